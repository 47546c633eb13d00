import { fourLightSteps, definition, wait } from '../../support/definitions.ts';
import { startProduct, type Product } from '../../support/product.ts';
import { contradictions } from '../../support/model-check.ts';
import { testTemporal } from '../../support/stack.ts';

let product: Product;

beforeAll(async () => {
  product = await startProduct();
});
afterAll(() => product.stop());

test('a start that a crash lost between commit and Temporal is finished by the sweeper', async () => {
  await product.publish('lost', fourLightSteps('lost'));
  await product.ended((await product.start('lost', { n: 1 })).id);
  // What a crash right after the commit leaves: the rows of a run, its outbox item, and no execution.
  const ids = await product.database.pool.query<{ id: string }>(`
    WITH source AS (SELECT * FROM run LIMIT 1), made AS (
      INSERT INTO run (id, project_id, type, workflow, requested_ref, artifact_id, version_hash, manifest_id, state, input, params, last_event_seq, created_by)
      SELECT gen_random_uuid(), project_id, type, workflow, requested_ref, artifact_id, version_hash, manifest_id, 'queued', input, params, 1, created_by
      FROM source, generate_series(1, 5) RETURNING id
    ), event AS (INSERT INTO run_event (run_id, seq, type, data) SELECT id, 1, 'run.queued', '{}' FROM made),
    transition AS (INSERT INTO run_state_transition (run_id, event_seq, to_state, actor) SELECT id, 1, 'queued', 'test' FROM made)
    INSERT INTO outbox (id, run_id, kind, next_attempt_at) SELECT gen_random_uuid(), id, 'start', now() FROM made RETURNING run_id AS id`);
  for (const { id } of ids.rows) expect((await product.ended(id)).state).toBe('completed');
  expect((await product.database.pool.query('SELECT 1 FROM outbox')).rowCount).toBe(0);
  expect(await contradictions(product.database_url, testTemporal())).toEqual([]);
});

test('a command that comes before its run has reached Temporal is delivered after it, in order', async () => {
  await product.publish('early', definition('early', { w: wait(600) }));
  const { id } = await product.start('early');
  // No waiting in between: the start is still on its way.
  expect((await product.call('POST', `/runs/${id}/cancel`)).status).toBe(202);
  expect((await product.ended(id)).state).toBe('cancelled');
});
