import { newId } from '../../../src/ids.ts';
import { type ApiClient, apiClient } from '../../support/api-client.ts';
import { startApiProcess, type ApiProcess } from '../../support/api-process.ts';
import { onServer } from '../../support/database.ts';
import { eventually } from '../../support/eventually.ts';
import { startProduct, type Product } from '../../support/product.ts';

const PER_SECOND = 10;
const BURST = 100;
const THEIRS = newId();
const tokenOf = (name: string) => name.padEnd(40, '-');

let product: Product;
let replica: ApiProcess;

beforeAll(async () => {
  const env = {
    ORCHESTRATOR_LIMITS_RATE_PER_SECOND: String(PER_SECOND),
    ORCHESTRATOR_LIMITS_RATE_BURST: String(BURST),
    ORCHESTRATOR_AUTH_TOKENS: JSON.stringify([
      ...['greedy', 'lonely', 'guesser'].map((name) => ({ name, token: tokenOf(name), role: 'viewer' })),
      { name: 'modest', token: tokenOf('modest'), role: 'viewer', projects: [THEIRS] },
    ]),
  };
  product = await startProduct({ env, worker: false });
  await product.database.pool.query(
    `INSERT INTO project (id, name, created_by) VALUES ($1, 'theirs', 'test')`,
    [THEIRS],
  );
  replica = await startApiProcess({
    ...env,
    ORCHESTRATOR_DATABASE_URL: product.database_url,
    ORCHESTRATOR_RUNS_RECONCILE_INTERVAL_SECONDS: '0',
  });
});
afterAll(async () => {
  await replica?.remove();
  await product?.stop();
});

/** The two processes, as somebody calls them. */
const as = (name: string): [ApiClient, ApiClient] => [
  apiClient(product.url, tokenOf(name)),
  apiClient(replica.url, tokenOf(name)),
];

interface Seen {
  status: number;
  retry_after: string | null;
}

/** So many requests, eight at a time. */
async function many(api: ApiClient, path: string, times: number): Promise<Seen[]> {
  const seen: Seen[] = [];
  const one = async () => {
    while (seen.length < times) {
      const place = seen.push({ status: 0, retry_after: null }) - 1;
      const { status, headers } = await api.call('GET', path);
      seen[place] = { status, retry_after: headers.get('retry-after') };
    }
  };
  await Promise.all(Array.from({ length: 8 }, one));
  return seen;
}
const count = (seen: Seen[], status: number) => seen.filter((one) => one.status === status).length;

describe('a caller at ten times the limit', () => {
  it('is let through what the limit says by two processes together, and nobody else is harmed', async () => {
    const [here, there] = as('greedy');
    const others = as('modest');
    const begun_ms = Date.now();
    const harmed: number[] = [];
    let is_over = false;
    const modest = (async () => {
      for (let i = 0; i < BURST / 2 && !is_over; i++)
        harmed.push((await others[i % 2]!.call('GET', '/workflows')).status);
    })();
    const [first, second] = await Promise.all([
      many(here, '/workflows', 5 * BURST),
      many(there, '/workflows', 5 * BURST),
    ]);
    is_over = true;
    await modest;
    const seconds = (Date.now() - begun_ms) / 1_000;
    const fair = BURST + PER_SECOND * seconds;
    const admitted = count(first, 200) + count(second, 200);
    expect(admitted).toBeGreaterThanOrEqual(BURST);
    // What both let through before they had heard of each other comes on top; two limits side by side would be twice this.
    expect(admitted).toBeLessThan(1.5 * fair);
    for (const seen of [first, second]) {
      const refused = seen.filter(({ status }) => status === 429);
      expect(refused.length).toBeGreaterThan(0);
      for (const { retry_after } of refused) expect(Number(retry_after)).toBeGreaterThanOrEqual(1);
      expect(count(seen, 200) + refused.length).toBe(seen.length);
    }
    expect(new Set(harmed)).toEqual(new Set([200]));
  });
});

describe('failed sign-ins', () => {
  it('of one mailbox are counted by both processes together', async () => {
    const guess = (api: ApiClient) =>
      api.call('POST', '/auth/login', { email: 'Victim@example.org', password: 'not the password' });
    const statuses: number[] = [];
    for (let i = 0; i < 6; i++) statuses.push((await guess(as('guesser')[0])).status);
    const noted = async () =>
      (await product.database.pool.query("SELECT FROM rate_bucket WHERE key LIKE 'guesses:%'")).rowCount ===
        1 || undefined;
    await eventually(noted);
    // One more each ten seconds: however slow this machine is, ten processes of their own would take more.
    const begun_ms = Date.now();
    for (let i = 0; i < 20; i++) statuses.push((await guess(as('guesser')[1])).status);
    const slack = Math.ceil((Date.now() - begun_ms) / 10_000);
    const wrong = statuses.filter((status) => status === 401).length;
    expect(statuses.filter((status) => status !== 401 && status !== 429)).toEqual([]);
    expect(wrong).toBeGreaterThanOrEqual(10);
    expect(wrong).toBeLessThanOrEqual(14 + slack);
    const { rows } = await product.database.pool.query<{ key: string }>('SELECT key FROM rate_bucket');
    expect(JSON.stringify(rows).toLowerCase()).not.toContain('victim');
  });
});

describe('without the database', () => {
  const server = () => process.env.ORCHESTRATOR_TEST_DATABASE_URL!;
  const name = () => new URL(product.database_url).pathname.slice(1);
  const open = (is_open: boolean) =>
    onServer(server(), `ALTER DATABASE ${name()} ALLOW_CONNECTIONS ${is_open}`);

  it('each process still holds callers to the limit, and fails nobody who needs no database', async () => {
    await open(false);
    try {
      await onServer(
        server(),
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${name()}'`,
      );
      for (const api of as('lonely')) {
        const begun_ms = Date.now();
        const seen = await many(api, '/capabilities', 4 * BURST);
        const fair = BURST + PER_SECOND * ((Date.now() - begun_ms) / 1_000);
        expect(count(seen, 200) + count(seen, 429)).toBe(seen.length);
        expect(count(seen, 429)).toBeGreaterThan(0);
        expect(count(seen, 200)).toBeLessThanOrEqual(fair + 1);
        expect(count(seen, 200)).toBeGreaterThanOrEqual(BURST);
      }
    } finally {
      await open(true);
    }
    // And afterwards they hear of each other again.
    const noted = async () => {
      await as('lonely')[0].call('GET', '/capabilities');
      const found = await product.database.pool
        .query("SELECT FROM rate_bucket WHERE key = 'api:token:lonely'")
        .catch(() => undefined);
      return (found?.rowCount ?? 0) > 0 || undefined;
    };
    await eventually(noted);
  });
});
