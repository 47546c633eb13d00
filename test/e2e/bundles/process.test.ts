import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { BUNDLE_MEDIA_TYPE } from '../../../src/domain/rules/bundle-format.ts';
import { type ApiProcess, startApiProcess } from '../../support/api-process.ts';
import { definition, transform } from '../../support/definitions.ts';

const MIB = 1_048_576;
let source: ApiProcess;
let target: ApiProcess;

beforeAll(async () => {
  [source, target] = await Promise.all([startApiProcess(), startApiProcess()]);
}, 120_000);

afterAll(() => Promise.all([source?.remove(), target?.remove()]));

const headersOf = ({ token }: ApiProcess) => ({ authorization: `Bearer ${token}` });
const exported = (from: ApiProcess, ref: string) =>
  fetch(`${from.url}/api/v1/workflows/${ref}/bundle`, { headers: headersOf(from) });
const imported = (to: ApiProcess, body: ReadableStream<Uint8Array> | Uint8Array) =>
  fetch(`${to.url}/api/v1/workflows/import`, {
    method: 'POST',
    headers: { ...headersOf(to), 'content-type': BUNDLE_MEDIA_TYPE },
    body,
    duplex: 'half',
  });

async function publishWithFile(api: ApiProcess, name: string, size_bytes: number): Promise<string> {
  const answer = await fetch(`${api.url}/api/v1/blobs`, {
    method: 'PUT',
    headers: { ...headersOf(api), 'content-type': 'application/octet-stream' },
    body: randomBytes(size_bytes),
  });
  const { cas_id } = (await answer.json()) as { cas_id: string };
  await api.publish(name, definition(name, { a: transform(1) }, { files: { data: cas_id } }));
  return cas_id;
}

/** From one process straight into the other. */
async function transfer(name: string): Promise<void> {
  const answer = await imported(target, (await exported(source, name)).body!);
  expect([answer.status, await answer.text()]).toEqual([200, expect.stringContaining('"created"')]);
}

test('memory does not grow with the size of a file, neither of who sends nor of who takes in', async () => {
  // What one transfer of many small pieces takes, code and heap, is there before the measurement.
  await publishWithFile(source, 'warm', 8 * MIB);
  await transfer('warm');
  await publishWithFile(source, 'large', 40 * MIB);
  const before = [source.peakBytes(), target.peakBytes()];
  await transfer('large');
  const growth = [source.peakBytes() - before[0]!, target.peakBytes() - before[1]!];
  expect(Math.max(...growth)).toBeLessThan(30 * MIB);
}, 120_000);

test('a process that is killed in the middle of an import leaves nothing to be seen', async () => {
  const api = await startApiProcess();
  const db = new pg.Client({ connectionString: api.database.url });
  try {
    await source.publish('held', definition('held', { a: transform('first') }));
    expect((await imported(api, (await exported(source, 'held')).body!)).status).toBe(200);
    await source.publish('held', definition('held', { a: transform('second') }));
    await db.connect();
    const rows = () => db.query('SELECT id FROM artifact UNION ALL SELECT to_id FROM tag_move ORDER BY id');
    const { rows: before } = await rows();
    // Everything is verified and stored, the tag is moved, and only the entry in its history is still to be written.
    await db.query(HOLD_HISTORY);
    await db.query('SELECT pg_advisory_lock(4711)');
    const importing = imported(api, new Uint8Array(await (await exported(source, 'held')).arrayBuffer()));
    importing.catch(() => undefined);
    await Promise.race([waitingForLock(api.database.url), answered(importing)]);
    await api.kill();
    await expect(importing).rejects.toThrow();
    await db.query('SELECT pg_advisory_unlock(4711)');
    await idle(api.database.url);
    expect((await rows()).rows).toEqual(before);
  } finally {
    await db.end();
    await api.remove();
  }
}, 120_000);

test('a caller that goes in the middle of a bundle leaves nothing to be seen', async () => {
  const whole = new Uint8Array(await (await exported(source, 'large')).arrayBuffer());
  const stop = new AbortController();
  // eslint-disable-next-line @typescript-eslint/require-await
  const half = async function* () {
    yield whole.subarray(0, whole.length / 2);
    stop.abort();
  };
  const sending = fetch(`${target.url}/api/v1/workflows/import?as=half`, {
    method: 'POST',
    headers: { ...headersOf(target), 'content-type': BUNDLE_MEDIA_TYPE },
    body: half(),
    signal: stop.signal,
    duplex: 'half',
  } as unknown as RequestInit);
  await expect(sending).rejects.toThrow();
  expect((await target.call('GET', '/workflows/half')).status).toBe(404);
  expect((await target.call('GET', '/workflows/large')).status).toBe(200);
});

/** Whoever writes the history of a tag waits as long as someone has the lock. */
const HOLD_HISTORY = `
  CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    PERFORM pg_advisory_xact_lock_shared(4711); RETURN NEW;
  END $$;
  CREATE TRIGGER hold BEFORE INSERT ON tag_move FOR EACH ROW EXECUTE FUNCTION hold()`;

/** Fails with an answer that came too early. */
const answered = async (importing: Promise<Response>) => {
  const answer = await importing;
  throw new Error(`already answered ${answer.status}: ${await answer.text()}`);
};

async function untilTrue(url: string, query: string): Promise<void> {
  const db = new pg.Client({ connectionString: url });
  await db.connect();
  try {
    for (const deadline = Date.now() + 120_000; Date.now() < deadline;) {
      const { rows } = await db.query<{ yes: boolean }>(query);
      if (rows[0]?.yes) return;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    throw new Error(`never true: ${query}`);
  } finally {
    await db.end();
  }
}

const OTHERS = `FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`;
const waitingForLock = (url: string) =>
  untilTrue(url, `SELECT count(*) > 0 AS yes ${OTHERS} AND wait_event_type = 'Lock'`);
/** PostgreSQL has noticed that the process is gone, and rolled back what it had begun. */
const idle = (url: string) => untilTrue(url, `SELECT count(*) <= 1 AS yes ${OTHERS}`);
