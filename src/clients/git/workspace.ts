import { appendFile, lstat, mkdir, mkdtemp, readdir, readlink, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startOf } from '../process-start.ts';

/** A directory of one process that goes with it. */
export interface Workspace {
  directory: string;
  /** The bare repository that everything is fetched into. */
  git_dir: string;
  /** Lets git read a repository there, whoever owns it. */
  trust(git_dir: string): Promise<void>;
  remove(): Promise<void>;
}

const PREFIX = 'orchestrator-git-';
const NAME = /^orchestrator-git-(\d+)-(\d+)-/;

/** Everything that is asked of git is asked with these settings and no others. */
const SETTINGS = `[core]
\thooksPath = /dev/null
\tquotePath = false
\tfsmonitor = false
\tattributesFile = /dev/null
\texcludesFile = /dev/null
\tbigFileThreshold = 8m
[gc]
\tauto = 0
[maintenance]
\tauto = false
[credential]
\thelper =
[diff]
\tmnemonicPrefix = false
\tnoprefix = false
\trenameLimit = 1000
[fetch]
\tshowForcedUpdates = false
\twriteCommitGraph = false
[http]
\tfollowRedirects = false
\tsslVerify = true
\tlowSpeedLimit = 1000
\tlowSpeedTime = 30
[uploadpack]
	allowFilter = true
	allowAnySHA1InWant = true
[submodule]
\trecurse = false
[pack]
\tthreads = 1
[transfer]
\tbundleURI = false
`;

/** A new, private workspace below `root` (the system's temporary directory when left out). */
export async function createWorkspace(root = tmpdir()): Promise<Workspace> {
  await mkdir(root, { recursive: true });
  const started = (await startOf(process.pid)) ?? '0';
  const directory = await mkdtemp(path.join(root, `${PREFIX}${process.pid}-${started}-`));
  await writeFile(path.join(directory, 'gitconfig'), SETTINGS, { mode: 0o600 });
  return {
    directory,
    git_dir: path.join(directory, 'repository.git'),
    trust: (place) =>
      appendFile(path.join(directory, 'gitconfig'), `[safe]\n\tdirectory = ${quoted(place)}\n`),
    remove: () => rm(directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 20 }),
  };
}

/**
 * Removes the workspaces of processes of this machine that ended without doing so, and ends what still works in them; answers how
 * many.
 */
export async function sweepWorkspaces(root = tmpdir()): Promise<number> {
  const names = await readdir(root).catch(() => []);
  let removed = 0;
  for (const name of names) {
    const [, pid, started] = NAME.exec(name) ?? [];
    if (pid === undefined || (await startOf(Number(pid))) === started) continue;
    await endProcessesIn(path.join(root, name));
    await rm(path.join(root, name), { recursive: true, force: true });
    removed += 1;
  }
  return removed;
}

/** Git outlives whoever started it while it waits for a server that says nothing. What others own is left alone. */
async function endProcessesIn(directory: string): Promise<void> {
  const owner = await lstat(directory).catch(() => undefined);
  if (!owner || owner.uid !== process.getuid?.()) return;
  const pids = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name));
  for (const pid of pids) {
    const place = await readlink(`/proc/${pid}/cwd`).catch(() => '');
    if (place !== directory && !place.startsWith(`${directory}/`)) continue;
    try {
      process.kill(Number(pid), 'SIGKILL');
    } catch {
      // It has ended by itself.
    }
  }
}

function quoted(text: string): string {
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`;
}
