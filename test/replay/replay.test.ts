import { readdir, readFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import proto from '@temporalio/proto';
import { bundleWorkflowCode, Worker } from '@temporalio/worker';
import { DeterminismViolationError } from '@temporalio/workflow';
import { workflowBundle } from '../../worker/bundle.ts';
import { BUILTINS } from './builtins.ts';
import { MAINTENANCE } from './maintenance.ts';
import { REFINEMENTS } from './refinements.ts';
import { SCENARIOS } from './scenarios.ts';
import { SCHEDULED } from './schedules.ts';

const FOLDER = path.join(import.meta.dirname, 'histories');
async function recorded(file: string) {
  return proto.temporal.api.history.v1.History.decode(await readFile(path.join(FOLDER, file)));
}

const files = (await readdir(FOLDER)).filter((file) => file.endsWith('.binpb'));

test('every scenario has a recorded history', () => {
  const names = new Set(files.map((file) => file.replace(/-\d+\.binpb$/, '')));
  const below = Object.entries(SCENARIOS).flatMap(([name, { others }]) => (others ? [`${name}_below`] : []));
  const scenarios = Object.keys({ ...SCENARIOS, ...BUILTINS, ...MAINTENANCE, ...REFINEMENTS, ...SCHEDULED });
  expect([...names].sort()).toEqual([...scenarios, ...below].sort());
  expect(files).toContain('continue_as_new-2.binpb');
});

test.each(files)('%s replays on the code of today', async (file) => {
  const today = await workflowBundle(
    path.join(os.tmpdir(), `orchestrator-test-bundles-${process.getuid?.() ?? 0}`, 'cache'),
    [],
  );
  await Worker.runReplayHistory({ workflowBundle: today }, await recorded(file));
});

test('a workflow that does things in another order fails the replay', async () => {
  const reordered = await bundleWorkflowCode({
    workflowsPath: path.join(import.meta.dirname, 'reordered.ts'),
  });
  const replay = Worker.runReplayHistory({ workflowBundle: reordered }, await recorded('code-1.binpb'));
  await expect(replay).rejects.toThrow(DeterminismViolationError);
});
