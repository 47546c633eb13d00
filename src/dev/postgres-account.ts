import { execFileSync, spawnSync } from 'node:child_process';
import { lchown, lstat, readdir } from 'node:fs/promises';
import path from 'node:path';

export interface Account {
  uid: number;
  gid: number;
}

/** PostgreSQL refuses to run as root: this account exists everywhere and owns nothing of value. */
const UNPRIVILEGED = 'nobody';

/** The account PostgreSQL must run as: undefined means our own. */
export function postgresAccount(): Account | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const ask = (flag: string) => Number(execFileSync('id', [flag, UNPRIVILEGED], { encoding: 'utf8' }).trim());
  return { uid: ask('-u'), gid: ask('-g') };
}

/** True when the account can pass every directory on the way and read (`-r`) or execute (`-x`) the file. */
export function canReach(account: Account | undefined, file: string, test: '-r' | '-x'): boolean {
  // Asking the kernel as that account sees ACLs and mounts too, which mode bits alone don't.
  return spawnSync('test', [test, file], { ...account, cwd: '/' }).status === 0;
}

/** Gives a whole directory to the account; without an account nothing changes. */
export async function giveTo(account: Account | undefined, root: string): Promise<void> {
  if (!account || (await lstat(root)).uid === account.uid) return;
  const entries = await readdir(root, { recursive: true });
  for (const entry of entries) await lchown(path.join(root, entry), account.uid, account.gid);
  // Last, since its owner tells the next caller that all below is done.
  await lchown(root, account.uid, account.gid);
}
