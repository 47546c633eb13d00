import { randomBytes } from 'node:crypto';
import { gcService } from '../../src/domain/gc.ts';
import { objectStores } from '../../src/domain/object-stores.ts';
import { postgresObjects } from '../../src/persistence/objects.ts';
import { definition, transform } from '../support/definitions.ts';
import { contradictions } from '../support/model-check.ts';
import { startProduct, type Product } from '../support/product.ts';
import { randomFrom, type Random } from '../support/random.ts';
import { testTemporal } from '../support/stack.ts';

const CLIENTS = 6;
const UPLOADS = 1_000;
const SEED = Number(process.env.GC_SEED ?? Date.now() % 1_000_000);
const TAGS = ['a', 'a/live', 'b', 'b/live', 'c'];

let product: Product;

beforeAll(async () => {
  product = await startProduct({ env: { ORCHESTRATOR_STORE_INLINE_BLOB_BYTES: '16384' } });
});
afterAll(() => product?.stop());

/** What the clients were told is there. */
const kept = { versions: new Set<string>(), files: new Map<string, Buffer>(), runs: [] as string[] };
const seen = { uploads: 0, collected: 0, refused: 0, collections: 0, answers: new Map<string, number>() };

const headers = () => ({ authorization: `Bearer ${product.token}` });

async function upload(bytes: Buffer): Promise<string> {
  const answer = await fetch(`${product.url}/api/v1/blobs`, {
    method: 'PUT',
    headers: headers(),
    body: bytes,
  });
  expect([200, 201]).toContain(answer.status);
  seen.uploads += 1;
  return ((await answer.json()) as { cas_id: string }).cas_id;
}

async function read(cas_id: string): Promise<{ status: number; bytes: Buffer }> {
  const answer = await fetch(`${product.url}/api/v1/blobs/${cas_id}`, { headers: headers() });
  return { status: answer.status, bytes: Buffer.from(await answer.arrayBuffer()) };
}

/** A call that may lose against the others, and never for a reason of ours. */
async function call(method: string, path: string, body?: unknown) {
  const answer = await product.call<{
    code?: string;
    version_hash?: string;
    artifact_id?: string;
    id?: string;
  }>(method, path, body);
  const outcome = `${method} ${path.replace(/\/(a|b|c)(%2Flive)?/, '/:tag')} ${answer.status}`;
  seen.answers.set(outcome, (seen.answers.get(outcome) ?? 0) + 1);
  expect([outcome, answer.status < 500 ? '' : JSON.stringify(answer.body)]).toEqual([outcome, '']);
  if (answer.status === 410) seen.refused += 1;
  return answer;
}

/** Uploaded, and named by nothing so far. */
const waiting: { cas_id: string; bytes: Buffer }[] = [];

/** A file to name: new, or one that others have too, or one that has waited for its name, and may be gone by now. */
async function someFile(random: Random): Promise<{ cas_id: string; bytes: Buffer }> {
  const waited = random.below(2) === 0 ? waiting.shift() : undefined;
  if (waited) return waited;
  const bytes =
    random.below(2) === 0
      ? Buffer.from(`shared ${random.below(20)}`)
      : randomBytes(random.pick([64, 40_000]));
  return { cas_id: await upload(bytes), bytes };
}

async function leaveWaiting(random: Random): Promise<void> {
  const bytes = randomBytes(random.pick([10, 1_000, 50_000]));
  waiting.push({ cas_id: await upload(bytes), bytes });
}

/** Saves a definition that names a file, which is stored again when it was collected before it had a name. */
async function save(random: Random, tag: string): Promise<void> {
  const { cas_id, bytes } = await someFile(random);
  const workflow = definition(
    'w',
    { a: transform(random.below(1_000)) },
    { files: { 'spec/plan.md': cas_id } },
  );
  for (;;) {
    const { status, body } = await call('POST', '/workflows', { tag_name: tag, workflow });
    if (status === 410) await upload(bytes);
    if (status > 299) continue;
    kept.versions.add(body.version_hash!);
    kept.files.set(cas_id, bytes);
    return;
  }
}

async function patch(random: Random, tag: string): Promise<void> {
  const operations = [{ op: 'add', path: '/nodes/a/config/value', value: random.below(1_000) }];
  const { status, body } = await call('POST', '/patches', { tag, operations });
  if (status < 300) kept.versions.add(body.version_hash!);
}

/** Values that are blobs on their way through a run: its input, a step, its output. */
async function runLarge(random: Random): Promise<void> {
  const list = Array.from({ length: 9_000 }, () => random.below(10_000));
  const { status, body } = await call('POST', '/runs', { workflow: 'large', input: { list } });
  if (status === 202) kept.runs.push(body.id!);
}

const DOINGS: ((random: Random) => Promise<unknown>)[] = [
  (random) => save(random, random.pick(TAGS)),
  (random) => patch(random, random.pick(TAGS)),
  (random) => leaveWaiting(random),
  (random) => leaveWaiting(random),
  (random) => upload(Buffer.from(`shared ${random.below(20)}`)),
  () => upload(randomBytes(100)),
  (random) =>
    call('PUT', `/tags/${encodeURIComponent(random.pick(TAGS))}`, {
      target: random.pick([...kept.versions, 'a']),
    }),
  (random) => call('POST', `/tags/${encodeURIComponent(random.pick(TAGS))}/undo`),
  (random) => call('POST', `/tags/${encodeURIComponent(random.pick(TAGS))}/redo`),
  (random) => call('POST', '/merge', { ours: random.pick([...kept.versions, 'a']), theirs: 'b', base: 'c' }),
];

async function client(random: Random): Promise<void> {
  for (let n = 0; seen.uploads < UPLOADS; n++) {
    if (n % 60 === 0) await runLarge(random);
    await random.pick(DOINGS)(random);
  }
}

/** As an administrator does. */
async function collectUntil(over: () => boolean): Promise<void> {
  while (!over()) {
    const { status, body } = await product.call<{ collected: { blobs: number } }>(
      'POST',
      '/admin/gc?wait=60',
      { grace_seconds: 0 },
    );
    expect(status).toBe(200);
    seen.collections += 1;
    seen.collected += body.collected.blobs;
  }
}

/** As another process would at the same time, one pass right after the other. */
async function collectBesideUntil(over: () => boolean): Promise<void> {
  const { db } = product.database;
  const gc = gcService({ db, objects: objectStores(postgresObjects(db)), undo_window_days: 90 });
  while (!over()) {
    await gc.mark();
    seen.collected += (await gc.collect({ grace_seconds: 0 })).blobs;
    seen.collections += 1;
  }
}

test(`collections during 1,000 uploads, saves, moves, undos and runs lose nothing that is reachable (GC_SEED=${SEED})`, async () => {
  const random = randomFrom(SEED);
  await product.publish('large', definition('large', { twice: transform('${{ input.list + input.list }}') }));
  for (const tag of TAGS) await save(random, tag);
  let over = false;
  const clients = Promise.all(Array.from({ length: CLIENTS }, (_, n) => client(randomFrom(SEED + n))));
  const isOver = () => over;
  await Promise.all([clients.finally(() => (over = true)), collectUntil(isOver), collectBesideUntil(isOver)]);
  // Otherwise nothing was tested.
  expect(Math.min(seen.collections, seen.collected, seen.refused)).toBeGreaterThan(5);

  // Each version was some tag's once, within the undo window: all of them are reachable, with the files they name.
  for (const version of kept.versions)
    expect([version, (await product.call('GET', `/workflows/${version}?materialize=true`)).status]).toEqual([
      version,
      200,
    ]);
  for (const [cas_id, bytes] of kept.files) {
    const found = await read(cas_id);
    expect([cas_id, found.status, found.bytes.equals(bytes)]).toEqual([cas_id, 200, true]);
  }
  expect(kept.runs.length).toBeGreaterThan(CLIENTS);
  for (const id of kept.runs) {
    expect(await product.ended(id)).toMatchObject({ state: 'completed' });
    const { output_ref } = await product.run(id);
    const { status, bytes } = await read(String(output_ref));
    expect([id, status]).toEqual([id, 200]);
    expect((JSON.parse(bytes.toString()) as { twice: number[] }).twice).toHaveLength(18_000);
  }

  const before = seen.collections;
  await collectUntil(() => seen.collections > before);
  const gone = await product.database.pool.query<{ cas_id: string }>(
    'SELECT cas_id FROM cas_blob WHERE NOT stored LIMIT 50',
  );
  for (const { cas_id } of gone.rows) expect([cas_id, (await read(cas_id)).status]).toEqual([cas_id, 410]);
  const check = await product.call('POST', '/admin/fsck?wait=60');
  expect(check).toMatchObject({ status: 200, body: { corrupt: [], problems: [] } });
  if (process.env.GC_SHOW) console.log(seen);
  expect(await contradictions(product.database_url, testTemporal())).toEqual([]);
}, 300_000);
