import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { sweepArtifactDirectories, withArtifactDirectory } from './artifact-directory.ts';
import { startOf } from '../process-start.ts';

const root = mkdtempSync(path.join(tmpdir(), 'orchestrator-test-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

test.each(['done', 'failed'])('a directory is gone when what it was lent for is %s', async (end) => {
  const used = withArtifactDirectory((directory) => {
    writeFileSync(path.join(directory, 'file'), 'x');
    expect(readdirSync(root)).toEqual([path.basename(directory)]);
    return end === 'done' ? Promise.resolve('done') : Promise.reject(new Error('failed'));
  }, root);
  await (end === 'done' ? expect(used).resolves.toBe('done') : expect(used).rejects.toThrow('failed'));
  expect(readdirSync(root)).toEqual([]);
});

test('what a process that is gone left is removed, and nothing else', async () => {
  const { pid: gone } = spawnSync('true');
  const started = await startOf(process.pid);
  const kept = [`orchestrator-artifact-${process.pid}-${started}-abcdef`, 'orchestrator-artifact-abcdef'];
  // The number of this process, when it was another's.
  const left = [`orchestrator-artifact-${gone}-1-abcdef`, `orchestrator-artifact-${process.pid}-1-abcdef`];
  for (const name of [...kept, ...left]) mkdirSync(path.join(root, name, 'folder'), { recursive: true });
  await sweepArtifactDirectories(root);
  expect(readdirSync(root).sort()).toEqual([...kept].sort());
});
