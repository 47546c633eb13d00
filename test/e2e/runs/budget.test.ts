import { DEFAULT_PROJECT_ID } from '../../../src/domain/projects.ts';
import { fourLightSteps } from '../../support/definitions.ts';
import { startProduct, type Product } from '../../support/product.ts';

let product: Product;
const statements: string[] = [];

beforeAll(async () => {
  product = await startProduct({
    onStatement: (sql) => statements.push(sql),
    // Looking for work that others left behind is not the run's.
    env: {
      ORCHESTRATOR_RUNS_SWEEP_INTERVAL_SECONDS: '3600',
      ORCHESTRATOR_TRIGGERS_LOOK_INTERVAL_SECONDS: '3600',
      ORCHESTRATOR_AUDIT_SEAL_INTERVAL_SECONDS: '3600',
      ORCHESTRATOR_LIMITS_RATE_SHARE_INTERVAL_MS: '60000',
    },
  });
});
afterAll(() => product.stop());

test('a run of four light steps takes at most eight statements, both its requests included', async () => {
  await product.publish('budget', fourLightSteps('budget'));
  await product.ended((await product.start('budget', { n: 1 })).id);
  // Looked at once in some seconds, however many runs there are.
  await product.call('GET', `/projects/${DEFAULT_PROJECT_ID}/settings`);
  statements.length = 0;
  const { id } = await product.start('budget', { n: 2 });
  expect(await product.ended(id)).toMatchObject({ state: 'completed' });
  expect(statements.length).toBeLessThanOrEqual(8);
  expect(statements.length).toBeGreaterThan(3);
});
