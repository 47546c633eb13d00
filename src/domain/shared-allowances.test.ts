import { testDatabase, type TestDatabase } from '../../test/support/database.ts';
import { eventually } from '../../test/support/eventually.ts';
import { openDatabase, type Database } from '../persistence/db.ts';
import { rateBucketRepository } from '../persistence/rate-buckets.ts';
import { sharedAllowances } from './shared-allowances.ts';

let test_db: TestDatabase;
let database: Database;
let callers = 0;

beforeAll(async () => {
  test_db = await testDatabase();
  database = openDatabase({ url: test_db.url, max_connections: 4 });
});
afterAll(async () => {
  await database.close();
  await test_db.drop();
});

const HUNDREDTH = 0.01;
/** Nothing to speak of comes back while a test runs. */
const RULE = { per_second: HUNDREDTH, burst: 100 };

interface Process {
  take(caller: string, times: number): number;
  /** Resolves once everything that was taken has been told and heard. */
  settled(): Promise<void>;
  told: () => { statements: number; failures: number };
  away: unknown[];
  sweep(): Promise<void>;
  stop(): Promise<void>;
}

/** What one API process has, on a clock that stands still. */
function process(options: { url?: string; interval_ms?: number } = {}): Process & { db: Database } {
  const db = options.url === undefined ? database : openDatabase({ url: options.url, max_connections: 1 });
  const rows = rateBucketRepository(db.db);
  let [statements, answered, failures, taken, heard] = [0, 0, 0, 0, 0];
  const away: unknown[] = [];
  const shared = sharedAllowances({
    rules: { some: RULE },
    buckets: {
      ...rows,
      async take(takings) {
        statements += 1;
        try {
          const levels = await rows.take(takings);
          heard += takings.reduce((sum, { seconds }) => sum + Math.round(seconds * HUNDREDTH), 0);
          return levels;
        } catch (error) {
          failures += 1;
          throw error;
        } finally {
          answered += 1;
        }
      },
    },
    interval_ms: options.interval_ms ?? 5,
    onAway: (error) => away.push(error),
    now_ms: () => 0,
  });
  return {
    db,
    away,
    take(caller, times) {
      let allowed = 0;
      for (let i = 0; i < times; i++) if (shared.of.some.take(caller).is_allowed) allowed += 1;
      taken += allowed;
      return allowed;
    },
    settled: () =>
      eventually(() => (taken === heard && answered === statements ? true : undefined)).then(() => undefined),
    told: () => ({ statements, failures }),
    sweep: shared.sweep,
    stop: shared.stop,
  };
}

const someone = () => `caller ${++callers}`;
const rows = async () =>
  (await database.pool.query<{ key: string }>('SELECT key FROM rate_bucket')).rows.map(({ key }) => key);

describe('an allowance of several processes', () => {
  it('is spent once, wherever it is spent', async () => {
    const [one, other, caller] = [process(), process(), someone()];
    expect(one.take(caller, 60)).toBe(60);
    await one.settled();
    // Nobody has told this one yet: that is what it may let through too much.
    expect(other.take(caller, 1)).toBe(1);
    await other.settled();
    expect(other.take(caller, 100)).toBe(39);
    await other.settled();
    expect(one.take(caller, 1)).toBe(1);
    await one.settled();
    expect([one.take(caller, 100), other.take(caller, 100)]).toEqual([0, 0]);
    expect(one.take(someone(), 100)).toBe(100);
    await Promise.all([one.stop(), other.stop()]);
  });

  it('that was spent twice at once is owed', async () => {
    const [one, other, caller] = [process(), process(), someone()];
    expect([one.take(caller, 80), other.take(caller, 80)]).toEqual([80, 80]);
    await Promise.all([one.settled(), other.settled()]);
    const [{ seconds }] = (
      await database.pool.query<{ seconds: number }>(
        'SELECT extract(epoch FROM full_at - now())::float8 AS seconds FROM rate_bucket WHERE key = $1',
        [`some:${caller}`],
      )
    ).rows as [{ seconds: number }];
    expect(Math.round(seconds * HUNDREDTH)).toBe(160);
    await Promise.all([one.stop(), other.stop()]);
  });

  it('costs one statement, however many callers there are, and none when nobody calls', async () => {
    const one = process({ interval_ms: 20 });
    for (let i = 0; i < 500; i++) one.take(someone(), 1);
    await one.settled();
    expect(one.told()).toEqual({ statements: 1, failures: 0 });
    await one.stop();
    expect(one.take(someone(), 1)).toBe(1);
    expect(one.told().statements).toBe(1);
  });

  it('is a process’s own where the interval is 0', async () => {
    const [one, caller] = [process({ interval_ms: 0 }), someone()];
    expect(one.take(caller, 500)).toBe(100);
    expect(one.told().statements).toBe(0);
    await one.stop();
  });
});

describe('without the database', () => {
  it('each process goes on by itself, says so once, and tells the others when it can', async () => {
    const gone = await testDatabase();
    const [lone, caller] = [process({ url: gone.url }), someone()];
    lone.take(caller, 1);
    await lone.settled();
    await gone.drop();
    expect(lone.take(caller, 500)).toBe(99);
    await eventually(() => lone.told().failures >= 3 || undefined);
    expect([lone.take(caller, 100), lone.away.length]).toEqual([0, 1]);
    await lone.stop();
    await lone.db.close();
  });

  it('what was taken meanwhile is told afterwards, as far as it was not given back since', async () => {
    const [one, other, caller] = [process(), process(), someone()];
    await database.pool.query('ALTER TABLE rate_bucket RENAME TO rate_bucket_away');
    one.take(caller, 100);
    await eventually(() => one.told().failures >= 2 || undefined);
    await database.pool.query('ALTER TABLE rate_bucket_away RENAME TO rate_bucket');
    await one.settled();
    other.take(caller, 1);
    await other.settled();
    expect(other.take(caller, 100)).toBe(0);
    await Promise.all([one.stop(), other.stop()]);
  });
});

describe('buckets in the database', () => {
  const repository = () => rateBucketRepository(database.db);
  const taking = (key: string, seconds: number) => ({ key, seconds, most_seconds: 1_000 });

  it('count exactly whoever takes from them, in whatever order', async () => {
    const keys = Array.from({ length: 20 }, () => someone());
    const batches = Array.from({ length: 40 }, (_, i) => (i % 2 ? keys : keys.toReversed()));
    await Promise.all(batches.map((batch) => repository().take(batch.map((key) => taking(key, 20)))));
    const levels = await repository().take(keys.map((key) => taking(key, 0)));
    for (const { seconds } of levels) {
      expect(seconds).toBeLessThanOrEqual(800);
      expect(seconds).toBeGreaterThan(600);
    }
  });

  it('are never emptier than they may be, whatever was taken', async () => {
    const key = someone();
    for (let i = 0; i < 3; i++) await repository().take([taking(key, 900)]);
    const [level] = await repository().take([taking(key, 900)]);
    expect(level!.seconds).toBe(1_000);
  });

  it('are deleted when they are full, and no others', async () => {
    const [full, empty] = [someone(), someone()];
    await repository().take([taking(full, 0), taking(empty, 900)]);
    expect(await rows()).toEqual(expect.arrayContaining([full, empty]));
    const one = process();
    await one.sweep();
    expect(await rows()).toContain(empty);
    expect(await rows()).not.toContain(full);
    expect(await repository().forget(10)).toBe(0);
    await one.stop();
  });
});
