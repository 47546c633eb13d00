import { createHash } from 'node:crypto';
import { applyPatch, type Operation } from 'rfc6902';
import { v7 } from 'uuid';
import { type TestApi, listeningApi } from '../../../src/api/app-fixture.ts';
import { storeRoutes } from '../../../src/api/routes/store.ts';
import { storeServices } from '../../../src/domain/store.ts';
import { caller, definitionOf, PROJECT_ID, type TestStore, testStore } from '../../support/store.ts';
import { type Fields, fields } from './patches-api.ts';

const PATCHES = 1_000;
let opened: TestStore;
let api: TestApi;

beforeAll(async () => {
  opened = await testStore();
  api = await listeningApi(storeRoutes(opened.store));
  const { store } = opened;
  const definition = { ...definitionOf(1), params: {} };
  await store.workflows.save(caller, { tag: 'long', definition, expectation: {} });
  for (let n = 0; n < PATCHES; n++) {
    await store.patches.create(caller, { tag: 'long', operations: operationsOf(n), expectation: {} });
  }
});

afterAll(async () => {
  await api?.close();
  await opened?.close();
});

/** A place that is new or written over, one that moves, one that goes: their order matters. */
function operationsOf(n: number): Operation[] {
  const place = `/params/p${n % 211}`;
  const operations: Operation[] = [{ op: 'add', path: place, value: { n } }];
  if (n % 7 === 6) operations.push({ op: 'move', from: place, path: `/params/q${n % 13}` });
  else if (n % 7 === 3) operations.push({ op: 'remove', path: `/params/p${(n - 1) % 211}` });
  return operations;
}

const get = async (path: string): Promise<Fields> => fields(await api.call('GET', `/api/v1${path}`));

async function wholeChain(id: string): Promise<Fields[]> {
  const links: Fields[] = [];
  let cursor = '';
  do {
    const page = await get(`/artifacts/${id}/chain?limit=100${cursor}`);
    links.push(...page.items);
    cursor = page.next_cursor === null ? '' : `&cursor=${page.next_cursor}`;
  } while (cursor !== '');
  return links;
}

/** Canonical JSON of a document of plain ASCII names and small integers. */
const canonical = (value: unknown): string => {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([name, inner]) => `${JSON.stringify(name)}:${canonical(inner)}`).join(',')}}`;
};

it(`the hash of ${PATCHES} patches is that of their replay by a reader that shares no code with the store`, async () => {
  const head = await get('/workflows/long?materialize=true');
  const links = await wholeChain(String(head.artifact_id));
  expect(links.map((link) => link.seq)).toEqual(Array.from({ length: PATCHES }, (_, i) => i + 1));
  expect(links.at(-1)?.id).toBe(head.artifact_id);

  const base = await get(`/artifacts/${String(head.base_version)}?materialize=true`);
  const document = base.definition as object;
  for (const link of links) {
    const operations = JSON.parse(
      (await api.call('GET', `/api/v1/blobs/${String(link.cas_id)}`)).text,
    ) as Operation[];
    expect(applyPatch(document, operations)).toEqual(operations.map(() => null));
  }
  expect(document).toEqual(head.definition);
  const hash = createHash('sha256').update(canonical(document)).digest('hex');
  expect(head.version_hash).toBe(`sha256:${hash}`);
});

it('its head is read by one select, and then from memory', async () => {
  const { store, statements, database } = opened;
  const head = await store.refs.resolve(PROJECT_ID, 'long');
  const reader = storeServices({ db: database.db, ids: v7 });
  statements.length = 0;
  const document = await reader.definitions.read(PROJECT_ID, head);
  expect(statements).toHaveLength(1);
  await reader.definitions.read(PROJECT_ID, head);
  expect(statements).toHaveLength(1);
  // Without its snapshot it is replayed once, and found from then on.
  await database.pool.query('DELETE FROM materialisation');
  expect(await storeServices({ db: database.db, ids: v7 }).definitions.read(PROJECT_ID, head)).toEqual(
    document,
  );
  statements.length = 0;
  await storeServices({ db: database.db, ids: v7 }).definitions.read(PROJECT_ID, head);
  expect(statements).toHaveLength(1);
});

it('a patch on it costs no more rows than one on its base, and begins a new chain', async () => {
  const count = async () =>
    Number(
      (await opened.database.pool.query<{ n: string }>('SELECT count(*) AS n FROM artifact')).rows[0]!.n,
    );
  const full = await get('/workflows/long');
  expect(full.depth).toBe(PATCHES);
  const before = await count();
  const operations = [{ op: 'add', path: '/description', value: 'one more' }];
  const { head } = await opened.store.patches.create(caller, { tag: 'long', operations, expectation: {} });
  // Itself, and the compaction it is put on.
  expect(await count()).toBe(before + 2);
  expect(head.depth).toBe(1);
  const base = await get(`/artifacts/${String(head.base_version)}`);
  expect(base).toMatchObject({
    kind: 'dag_version',
    compacted_from_id: full.artifact_id,
    version_hash: full.version_hash,
  });
});

it('any of its patches that nothing depends on can be taken back', async () => {
  const links = await wholeChain(await chainHead());
  const untouched = links.find((link) => link.seq === 981)!;
  const { changed, head } = await opened.store.patches.revert(caller, untouched.id, {
    tag: 'long',
    expectation: {},
  });
  expect(changed).toBe(true);
  expect(head.reverts_id).toBe(untouched.id);
});

/** The head of the full chain, behind the compaction. */
async function chainHead(): Promise<string> {
  const { base_version } = await get('/workflows/long');
  return String((await get(`/artifacts/${String(base_version)}`)).compacted_from_id);
}
