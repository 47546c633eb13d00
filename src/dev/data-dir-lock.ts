import { link, readdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { randomUUID } from 'node:crypto';
import { readJsonIfThere, writeAtomic } from './atomic-file.ts';
import { identityOf, isAlive, type ProcessIdentity } from './process-identity.ts';

const NAME = /^stack\.lock\.(\d+)$/;

interface Holder extends ProcessIdentity {
  released?: boolean;
}

export interface DataDirLock {
  release: () => Promise<void>;
}

/**
 * Takes the data directory for this process, or throws naming the process that has it.
 *
 * The lock is the highest numbered `stack.lock.N`, created by link(2), which only one process can win.
 * A dead holder is followed by N + 1 and never unlinked first: with a plain lock file two processes
 * that both saw the same dead holder could each remove the other's fresh lock.
 */
export async function lockDataDir(data_dir: string): Promise<DataDirLock> {
  const me = identityOf(process.pid);
  if (!me) throw new Error('Cannot read the identity of this process');
  for (;;) {
    const top = highest(await generations(data_dir));
    const holder =
      top > 0 ? ((await readJsonIfThere(lockFile(data_dir, top))) as Holder | undefined) : undefined;
    if (holder && !holder.released && isAlive(holder)) throw new Error(refusal(data_dir, holder));
    const mine = top + 1;
    if (!(await createExclusively(lockFile(data_dir, mine), me))) continue;
    const all = await generations(data_dir);
    if (highest(all) !== mine) {
      // Ours was created below a newer one, whose predecessors had been swept already.
      await rm(lockFile(data_dir, mine), { force: true });
      continue;
    }
    await Promise.all(all.filter((n) => n < mine).map((n) => rm(lockFile(data_dir, n), { force: true })));
    return { release: onceOnly(() => markReleased(lockFile(data_dir, mine), me)) };
  }
}

/** The file stays, so that numbers only ever grow. */
async function markReleased(file: string, me: ProcessIdentity): Promise<void> {
  const holder: Holder = { ...me, released: true };
  await writeAtomic(file, JSON.stringify(holder));
}

function onceOnly(action: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined;
  return () => (done ??= action());
}

function refusal(data_dir: string, holder: Holder): string {
  const who = holder.pid === process.pid ? 'this very process' : `process ${holder.pid}`;
  return (
    `Another stack runs on ${data_dir} (${who}). Stop it first, or choose another directory ` +
    'with ORCHESTRATOR_DATA_DIR.'
  );
}

async function generations(data_dir: string): Promise<number[]> {
  const found = (await readdir(data_dir)).map((name) => NAME.exec(name)?.[1]);
  return found.filter((n) => n !== undefined).map(Number);
}

function highest(generation_numbers: number[]): number {
  return Math.max(0, ...generation_numbers);
}

async function createExclusively(file: string, holder: Holder): Promise<boolean> {
  const temporary = `${file}.${randomUUID()}`;
  await writeFile(temporary, JSON.stringify(holder), { mode: 0o600 });
  try {
    await link(temporary, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    await rm(temporary, { force: true });
  }
}

function lockFile(data_dir: string, generation: number): string {
  return path.join(data_dir, `stack.lock.${generation}`);
}
