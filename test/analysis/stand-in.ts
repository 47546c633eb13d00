import { chmod, mkdtemp, readFile, realpath, rename, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { AnalyserName } from '../../src/clients/analysers/commands.ts';

/** Programs that stand in for the real ones, in a directory of their own. */
export interface StandIns {
  directory: string;
  /** `script` is what the shell does when it is to analyse; its version is 1.2.3 unless said otherwise. */
  make(name: AnalyserName, script: string, version?: string): Promise<string>;
  /** What scripts wrote with `>> "$LOG"`, line by line. */
  log(): Promise<string[]>;
  remove(): Promise<void>;
}

export async function standIns(): Promise<StandIns> {
  const directory = await realpath(await mkdtemp(path.join(os.tmpdir(), 'orchestrator-stand-ins-')));
  const log = path.join(directory, 'log.txt');
  return {
    directory,
    async make(name, script, version = '1.2.3') {
      const file = path.join(directory, name);
      const asked = `case "$1" in *version) echo "${name} ${version}"; exit 0;; esac`;
      // Written over, a script that is being started would be busy.
      await writeFile(`${file}.new`, `#!/bin/sh\nLOG='${log}'\n${asked}\n${script}\n`);
      await chmod(`${file}.new`, 0o755);
      await rename(`${file}.new`, file);
      return file;
    },
    log: async () => (await readFile(log, 'utf8').catch(() => '')).split('\n').filter(Boolean),
    remove: () => rm(directory, { recursive: true, force: true }),
  };
}
