import { parseArgs } from 'node:util';

export interface Options {
  /** Where the results go as JSON. */
  json?: string;
  /** A look that takes a minute at most. */
  quick: boolean;
  /** Names of the measurements to make; all of them when empty. */
  only: string[];
  /** A directory for the CPU profile of the product's process. */
  profile?: string;
  /** Alternating pairs per figure. */
  pairs: number;
}

export const MIN_PAIRS = 3;
/** Nothing new is measured after this time; a machine that is busy with other things may need it all. */
export const LIMIT_SECONDS = { quick: 45, full: 430 } as const;

export class UsageError extends Error {}

/** Reads the command line; a mistake throws with the usage. */
export function readOptions(args: readonly string[], names: readonly string[]): Options {
  const usage = `usage: npm run bench -- [--quick] [--only NAME,…] [--json FILE] [--pairs N] [--profile DIR]\nnames: ${names.join(', ')}`;
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        json: { type: 'string' },
        quick: { type: 'boolean', default: false },
        only: { type: 'string', multiple: true, default: [] },
        pairs: { type: 'string', default: String(MIN_PAIRS) },
        profile: { type: 'string' },
      },
    });
    const only = values.only.flatMap((list) => list.split(',')).filter(Boolean);
    const unknown = only.filter((name) => !names.includes(name));
    if (unknown.length > 0) throw new Error(`unknown: ${unknown.join(', ')}`);
    const pairs = Number(values.pairs);
    if (!Number.isInteger(pairs) || pairs < MIN_PAIRS)
      throw new Error(`--pairs takes a number from ${MIN_PAIRS} on`);
    return { ...values, only, pairs };
  } catch (error) {
    throw new UsageError(`${(error as Error).message}\n${usage}`, { cause: error });
  }
}
