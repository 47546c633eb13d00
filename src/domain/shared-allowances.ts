import type { RateBucketRepository, Taking } from '../persistence/rate-buckets.ts';
import { type Allowance, type AllowanceRule, localAllowance, type LocalAllowance } from './allowance.ts';

export interface SharingOptions<Name extends string> {
  rules: Readonly<Record<Name, AllowanceRule>>;
  buckets: RateBucketRepository;
  /** How often the others are told, while there is something to tell; 0: each process has allowances of its own. */
  interval_ms: number;
  /** The others cannot be told; said once, until they could be again. */
  onAway: (error: unknown) => void;
  now_ms?: () => number;
}

export interface SharedAllowances<Name extends string> {
  /** By their names, which set them apart in the database. */
  of: Readonly<Record<Name, Allowance>>;
  /** Deletes buckets that are full again. */
  sweep: () => Promise<void>;
  /** Resolves when nobody is being told any more. */
  stop: () => Promise<void>;
}

/** Callers in one statement. */
const BATCH = 1_000;
const SWEEP_BATCH = 5_000;
/** While the database is away it is asked less and less often. */
const LONGEST_WAIT_MS = 5_000;

/** A caller of an allowance, and what is being told of them. */
interface Told {
  allowance: LocalAllowance;
  caller: string;
  taken: number;
}

/**
 * Allowances that all processes share. Who takes something asks this process only, at once; what was taken is told to the
 * database a moment later, for all callers in one statement, whose answer is what the processes together have left of each. So
 * together they let through what the rule says, and at most what they admit between two answers more, which callers then owe. Without
 * the database each process goes on by itself.
 */
export function sharedAllowances<Name extends string>(options: SharingOptions<Name>): SharedAllowances<Name> {
  const { rules, buckets, interval_ms, now_ms } = options;
  const names = Object.keys(rules) as Name[];
  const local = Object.fromEntries(
    names.map((name) => [name, localAllowance(rules[name], { now_ms, onNews })]),
  ) as Record<Name, LocalAllowance>;
  let timer: NodeJS.Timeout | undefined;
  let telling: Promise<void> | undefined;
  let failures = 0;
  let is_urgent = false;
  let is_stopped = interval_ms === 0;

  function onNews(urgent: boolean): void {
    is_urgent ||= urgent;
    wake();
  }

  /** One at a time; who comes meanwhile is told of right after it when it is urgent, else after the interval. */
  function wake(): void {
    if (is_stopped || telling) return;
    const wait_ms = failures > 0 ? Math.min(interval_ms * 2 ** failures, LONGEST_WAIT_MS) : interval_ms;
    if (is_urgent && failures === 0) begin();
    else timer ??= setTimeout(begin, wait_ms).unref();
  }

  function begin(): void {
    clearTimeout(timer);
    timer = undefined;
    is_urgent = false;
    telling = tell().finally(() => {
      telling = undefined;
      if (names.some((name) => local[name].hasNews())) wake();
    });
  }

  async function tell(): Promise<void> {
    const told = collect();
    if (told.size === 0) return;
    try {
      const levels = await buckets.take([...told].map(([key, one]) => takingOf(key, one)));
      for (const { key, seconds } of levels) settle(told.get(key)!, seconds);
      failures = 0;
    } catch (error) {
      for (const { allowance, caller, taken } of told.values()) allowance.retell(caller, taken);
      failures += 1;
      if (failures === 1) options.onAway(error);
    }
  }

  function collect(): Map<string, Told> {
    const told = new Map<string, Told>();
    for (const name of names) {
      const allowance = local[name];
      for (const [caller, taken] of allowance.news(BATCH - told.size))
        told.set(`${name}:${caller}`, { allowance, caller, taken });
    }
    return told;
  }

  return {
    of: local,
    async sweep() {
      for (let count = SWEEP_BATCH; count === SWEEP_BATCH;) count = await buckets.forget(SWEEP_BATCH);
    },
    async stop() {
      is_stopped = true;
      clearTimeout(timer);
      await telling;
    },
  };
}

/** Who owes a whole burst owes no more than that, so that nobody is shut out for long. */
function takingOf(key: string, { allowance: { per_second, burst }, taken }: Told): Taking {
  return { key, seconds: taken / per_second, most_seconds: (2 * burst) / per_second };
}

function settle({ allowance, caller }: Told, seconds: number): void {
  const { per_second, burst } = allowance;
  allowance.settle(caller, burst - Math.min(seconds * per_second, 2 * burst));
}
