import { newId } from '../../../src/ids.ts';
import type { Books } from '../../fixtures/workflows/kept.ts';
import { countOf, historiesOf, withTemporal } from '../../support/executions.ts';
import { fixtureWorker, type FixtureWorker } from '../../support/fixture-worker.ts';
import { testTemporal } from '../../support/stack.ts';

let fixture: FixtureWorker;
let write: Books['write'];
beforeAll(async () => {
  fixture = await fixtureWorker('kept.ts', { write: () => write() });
});
afterAll(() => fixture?.stop());

it('bookkeeping that was cancelled by nobody is done again, and the run goes on', async () => {
  let calls = 0;
  write = () => Promise.resolve(++calls === 1 ? 'dropped' : 'written');
  const workflowId = `books-${newId()}`;
  await withTemporal(testTemporal(), async (client) => {
    const execution = { workflowId, taskQueue: fixture.task_queue };
    expect(await client.workflow.execute('keepsBooks', execution)).toBe('written');
    expect(calls).toBe(2);
    const [events] = await historiesOf(client, workflowId);
    expect(countOf(events!, 'workflowTaskFailedEventAttributes')).toBe(1);
  });
});

it('code of a workflow is not cut off after the seconds that a process may stand still (decision 0031)', () => {
  expect(fixture.worker.options.isolateExecutionTimeoutMs).toBe(60_000);
});
