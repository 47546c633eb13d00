/**
 * Unprivileged ids that Debian's adduser, systemd's dynamic users and subordinate ranges all leave alone, and
 * that still exist where a container maps only 65,536 ids.
 */
const FIRST_ID = 60_600;
const LAST_ID = 61_183;

export interface UidPool {
  take(): number;
  give(uid: number): void;
}

/**
 * One uid (and the same gid) per concurrent run: limits counted per user then bind one run, and no run may
 * signal or trace another. The start differs per worker, so that workers of one host seldom meet.
 */
export function uidPool(start = process.pid): UidPool {
  const size = LAST_ID - FIRST_ID + 1;
  const taken = new Set<number>();
  let next = (start * 31) % size;

  function take(): number {
    for (let tries = 0; tries < size; tries += 1) {
      const uid = FIRST_ID + next;
      next = (next + 1) % size;
      if (!taken.has(uid)) {
        taken.add(uid);
        return uid;
      }
    }
    throw new Error('every sandbox uid is in use');
  }

  return { take, give: (uid) => void taken.delete(uid) };
}
