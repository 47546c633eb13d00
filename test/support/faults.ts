import { setTimeout as pause } from 'node:timers/promises';
import { randomFrom, type Random } from './random.ts';

/** `npm run faults` runs the scenarios as long as they were meant; the tests of every day run them short. */
const IS_FULL = process.env.ORCHESTRATOR_FAULTS === 'full';

/** How often, how many, how long: one number for every day, one for `npm run faults`. */
export const sized = ({ short, full }: { short: number; full: number }): number => (IS_FULL ? full : short);

/** A limit of docs/faults.md in ms. The tests of every day share their machine with others. */
export const atMost = (ms: number): number => sized({ short: 5 * ms, full: ms });

/** Far beyond what a scenario takes: only one that hangs comes to it. */
export const LIMIT_MS = sized({ short: 300_000, full: 3_600_000 });

/** What makes this run of the scenarios what it is; the same seed strikes at the same moments. */
export const SEED = Number(process.env.ORCHESTRATOR_FAULT_SEED ?? Date.now() % 1_000_000);

/** Stands in the title of every scenario that rolls dice, so that it can be played again. */
export const SEEDED = `(ORCHESTRATOR_FAULT_SEED=${SEED})`;

/** Dice of one purpose: what others roll does not change its numbers. */
export const dice = (purpose: string): Random =>
  randomFrom([...purpose].reduce((sum, char) => Math.imul(sum, 31) + char.charCodeAt(0), SEED));

export interface Strikes {
  random: Random;
  /** Milliseconds from the end of one strike to the next. */
  every_ms: readonly [number, number];
  strike: () => Promise<unknown>;
}

/** Strikes again and again while `work` goes on. Rejects as soon as either fails, or when no strike fell. */
export async function harassed<T>(
  { random, every_ms: [least, most], strike }: Strikes,
  work: () => Promise<T>,
): Promise<T> {
  const over = new AbortController();
  const striking = (async () => {
    for (let strikes = 0; ; strikes++) {
      await pause(least + random.below(most - least), undefined, { signal: over.signal }).catch(
        () => undefined,
      );
      if (over.signal.aborted) return strikes;
      await strike();
    }
  })();
  const working = work().finally(() => over.abort());
  const [result, strikes] = await Promise.all([working, striking]);
  if (strikes === 0) throw new Error('the work was over before the first strike');
  return result;
}

/** Does `work` for every item, `parallel` at a time, and keeps their order. */
export async function each<T, R>(
  items: readonly T[],
  parallel: number,
  work: (item: T, index: number) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  const worker = async () => {
    for (let index = next++; index < items.length; index = next++)
      results[index] = await work(items[index]!, index);
  };
  await Promise.all(Array.from({ length: parallel }, worker));
  return results;
}

export const numbers = (count: number): number[] => Array.from({ length: count }, (_, n) => n);
