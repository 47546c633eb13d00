import type { Figures } from './stats.ts';

/** The contestants of one comparison, each a way to take one sample. */
export type Contest<N extends string> = Record<N, () => Promise<Figures>>;

/** One sample of each contestant, taken right after one another. */
export type Round<N extends string> = Record<N, Figures>;

/**
 * Takes samples in alternation (A B A B …), because a shared machine drifts: only neighbours are compared. The order turns
 * around from round to round, so that none is always the first after a pause.
 */
export async function alternate<N extends string>(rounds: number, contest: Contest<N>): Promise<Round<N>[]> {
  const names = Object.keys(contest) as N[];
  const done: Round<N>[] = [];
  for (let i = 0; i < rounds; i += 1) {
    const round: Partial<Round<N>> = {};
    for (const name of i % 2 === 0 ? names : names.toReversed()) round[name] = await contest[name]();
    done.push(round as Round<N>);
  }
  return done;
}
