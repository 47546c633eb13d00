import type { JournalFlush } from '../../../src/contract/journal.ts';
import { newId } from '../../../src/ids.ts';
import { withTemporal } from '../../support/executions.ts';
import { fixtureWorker, type FixtureWorker } from '../../support/fixture-worker.ts';
import { testTemporal } from '../../support/stack.ts';

const PAYLOAD_BYTES = 128 * 1024;

let fixture: FixtureWorker;
const sent: [kind: string, flush: JournalFlush][] = [];
const keep = (kind: string) => (flush: JournalFlush) => Promise.resolve(void sent.push([kind, flush]));
beforeAll(async () => {
  fixture = await fixtureWorker('journals.ts', {
    flushJournal: keep('flush'),
    endRun: keep('end'),
  });
});
afterAll(() => fixture?.stop());

it('a journal above 64 KiB goes in parts, and only the last part of a flush says where the run is', async () => {
  await withTemporal(testTemporal(), async (client) => {
    const execution = { workflowId: `journal-${newId()}`, taskQueue: fixture.task_queue, args: [5] };
    await client.workflow.execute('journals', execution);
  });
  expect(sent.map(([kind, { seq, entries, state }]) => [kind, seq, entries.length, state])).toEqual([
    ['flush', 1, 2, undefined],
    ['flush', 2, 2, undefined],
    ['flush', 3, 1, 'running'],
    // More is to follow: where the run is then, its end says.
    ['flush', 4, 2, undefined],
    ['flush', 5, 2, undefined],
    ['end', 6, 1, undefined],
  ]);
  for (const [, flush] of sent) expect(JSON.stringify(flush).length).toBeLessThan(PAYLOAD_BYTES);
});
