import type { SealedText, SealedTexts } from '../persistence/secrets-seal.ts';
import { isSealed, type SealedBox } from './sealed-box.ts';

const BATCH = 100;

interface Deps {
  tables: readonly SealedTexts[];
  /** Undefined where no key is set: then there is nothing to do. */
  box: SealedBox | undefined;
  /** Told how many there are that no key opens, when that has changed. */
  onUnreadable: (count: number) => void;
}

/** Brings what is stored under the current key: after a change of keys, and what was stored before there was one. */
export function secretUpkeep({ tables, box, onUnreadable }: Deps) {
  let told = 0;

  async function sweepTable(table: SealedTexts, current: SealedBox) {
    const done = { sealed: 0, unreadable: 0 };
    let after = '';
    for (;;) {
      const found = await table.notOf(current.key_id, after, BATCH);
      const renewed = found.flatMap((text) => resealed(text, current));
      if (renewed.length > 0) done.sealed += await table.replace(renewed);
      done.unreadable += found.length - renewed.length;
      if (found.length < BATCH) return done;
      after = found.at(-1)!.about;
    }
  }

  return {
    /** Any number of processes may: what another one was faster with is left alone. Says what was done. */
    async sweep(): Promise<{ sealed: number; unreadable: number }> {
      const total = { sealed: 0, unreadable: 0 };
      if (!box) return total;
      for (const table of tables) {
        const { sealed, unreadable } = await sweepTable(table, box);
        total.sealed += sealed;
        total.unreadable += unreadable;
      }
      if (total.unreadable !== told) onUnreadable(total.unreadable);
      told = total.unreadable;
      return total;
    },
  };
}

export type SecretUpkeep = ReturnType<typeof secretUpkeep>;

function resealed({ about, text }: SealedText, box: SealedBox) {
  const plain = isSealed(text) ? box.open(text, about) : text;
  return plain === undefined ? [] : [{ about, text, sealed: box.seal(plain, about) }];
}
