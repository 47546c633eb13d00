import fc from 'fast-check';
import { v7 } from 'uuid';
import type { Json, JsonObject } from '../contract/json.ts';
import {
  bundleOf,
  forged,
  importOf,
  kindOf,
  linesOf,
  sealed,
  visibleRows,
} from '../../test/support/bundles.ts';
import {
  caller,
  callerAs,
  definitionOf,
  PROJECT_ID,
  type TestStore,
  testStore,
} from '../../test/support/store.ts';
import type { AppError } from '../contract/errors.ts';
import { contentHash } from './rules/content-hash.ts';
import { writeLine } from './rules/bundle-format.ts';
import { storeServices } from './store.ts';

let here: TestStore;
let there: TestStore;
/** Lines of every kind. */
let bundle: string;
/** What it builds on, as a bundle of its own. */
let before: string;

const FILE = Buffer.alloc(120_000, 'file');
const nothing = { expectation: {} };
const set = (value: Json) => [{ op: 'replace', path: '/nodes/a/config/value', value }];

beforeAll(async () => {
  [here, there] = await Promise.all([testStore(), testStore()]);
  const { store, database } = here;
  const { cas_id } = await store.blobs.put(PROJECT_ID, FILE, { media_type: 'text/plain' });
  const save = (tag: string, value: Json, more: object = {}) =>
    store.workflows.save(caller, { tag, definition: { ...definitionOf(value), ...more }, ...nothing });
  const patch = (tag: string, value: Json) =>
    store.patches.create(caller, { tag, operations: set(value), ...nothing });
  const { head: collected } = await save('w', 'collected');
  await save('w', 1);
  before = await bundleOf(store, 'w');
  const { target_hash } = await store.tags.get(PROJECT_ID, 'w');
  await patch('w', 2);
  const { head } = await patch('w', 3);
  await store.artifacts.compact(caller, head.id, {});
  await store.tags.put(caller, 'w/branch', { target: 'w', ...nothing });
  await save('w/branch', 4, { files: { a: cas_id, b: contentHash('absent') } });
  const compacted = await store.artifacts.compact(caller, head.id, {});
  await store.tags.put(caller, 'w/compacted', { target: compacted.artifact.id, ...nothing });
  const { head: late } = await save('w/late', 5);
  await save('w/late', 6);
  await database.pool.query('UPDATE artifact SET live = false WHERE id = ANY ($1)', [
    [collected.id, late.id],
  ]);
  bundle = await bundleOf(store, 'w', [target_hash]);
  await importOf(there.store, before);
}, 60_000);

afterAll(() => Promise.all([here?.close(), there?.close()]));

type Problems = { code: string; paths: string[]; message: string };

/** What an import is refused with; fails when it is not, or when anything of it can be seen. */
async function refusal(text: string | Buffer, { store, database } = there): Promise<Problems> {
  const rows = await visibleRows(database);
  const error = await importOf(store, text).then(
    () => undefined,
    (thrown: AppError) => thrown,
  );
  expect(await visibleRows(database)).toEqual(rows);
  if (!error) throw new Error('the bundle was taken in');
  return {
    code: error.code,
    paths: (error.data.errors ?? []).map(({ path }) => path),
    message: error.message,
  };
}

const KINDS = [
  'header',
  'tag',
  'requires',
  'missing',
  'blob',
  'bytes',
  'absent',
  'artifact',
  'move',
  'trailer',
];

it('the bundle of these tests has lines of every kind, and is right', async () => {
  expect(new Set(linesOf(bundle).map(kindOf))).toEqual(new Set(KINDS));
  expect(sealed(linesOf(bundle))).toBe(bundle);
  const other = await testStore();
  try {
    await importOf(other.store, before);
    expect((await importOf(other.store, bundle)).imported.artifacts).toBe(5);
  } finally {
    await other.close();
  }
});

describe('a damaged bundle stores nothing that can be seen', () => {
  it.each(KINDS)('when a character of a %s changed', async (kind) => {
    const lines = linesOf(bundle);
    const at = lines.findIndex((line) => kindOf(line) === kind);
    // The last but two is part of a value in every kind.
    const place = lines[at]!.length - 5;
    const other = lines[at]![place] === '1' ? '2' : '1';
    lines[at] = lines[at]!.slice(0, place) + other + lines[at]!.slice(place + 1);
    expect((await refusal(`${lines.join('\n')}\n`)).code).toMatch(/^(bundle_invalid|state_conflict)$/);
  });

  it.each(KINDS)('when a %s is left out', async (kind) => {
    const lines = linesOf(bundle);
    lines.splice(
      lines.findIndex((line) => kindOf(line) === kind),
      1,
    );
    expect((await refusal(`${lines.join('\n')}\n`)).code).toBe('bundle_invalid');
  });

  it('when any byte changed', async () => {
    const bytes = Buffer.from(bundle);
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), async (at, by) => {
        const damaged = Buffer.from(bytes);
        damaged[at] = damaged[at]! ^ by;
        expect((await refusal(damaged)).code).toMatch(/^(bundle_invalid|state_conflict)$/);
      }),
      { numRuns: 60 },
    );
  });

  it('when it ends early, wherever', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(bundle.length - 1), async (length) => {
        expect((await refusal(bundle.slice(0, length))).code).toBe('bundle_invalid');
      }),
      { numRuns: 40 },
    );
    expect((await refusal('')).paths).toEqual(['/1']);
  });

  it('when two lines changed places', async () => {
    const lines = linesOf(bundle);
    await fc.assert(
      fc.asyncProperty(fc.nat(lines.length - 2), async (at) => {
        fc.pre(lines[at] !== lines[at + 1]);
        const swapped = [...lines.slice(0, at), lines[at + 1]!, lines[at]!, ...lines.slice(at + 2)];
        expect((await refusal(`${swapped.join('\n')}\n`)).code).toBe('bundle_invalid');
      }),
      { numRuns: 40 },
    );
  });

  it('when something comes after its end', async () => {
    const last = linesOf(bundle).length + 1;
    expect((await refusal(`${bundle}${linesOf(bundle).at(-1)}\n`)).paths).toEqual([`/${last}`]);
    expect((await refusal(`${bundle} `)).code).toBe('bundle_invalid');
  });
});

describe('a forged bundle, its trailer right, is refused by what it holds', () => {
  const place = (kind: string, n = 0) =>
    linesOf(bundle)
      .flatMap((line, i) => (kindOf(line) === kind ? [i + 1] : []))
      .at(n)!;
  const hash = contentHash('another');
  const field = (name: string, value: Json) => (line: JsonObject) => ({ ...line, [name]: value });
  type Forgery = [what: string, kind: string, n: number, change: Parameters<typeof forged>[2], path: string];

  it.each<Forgery>([
    ['a format to come', 'header', 0, field('version', 2), '/header/version'],
    ['another format', 'header', 0, field('format', 'tar'), '/header/format'],
    ['an unknown member', 'header', 0, field('more', 1), '/header/more'],
    [
      'a workflow that is none',
      'header',
      0,
      field('workflow', { name: 'a/b', description: '' }),
      '/header/workflow/name',
    ],
    ['a tag of another workflow', 'tag', 0, field('name', 'other'), '/tag/name'],
    ['a tag that is no name', 'tag', 0, field('name', '../etc'), '/tag/name'],
    ['tags in another order', 'tag', 1, field('name', 'w'), '/tag/name'],
    ['a tag that points at nothing', 'tag', 0, field('artifact_id', v7()), '/tag/artifact_id'],
    ['a tag with another hash', 'tag', 0, field('version_hash', hash), '/tag/artifact_id'],
    ['a file with another hash', 'blob', -1, field('cas_id', hash), '/blob/cas_id'],
    [
      'a blob that came before',
      'blob',
      -1,
      () => (JSON.parse(linesOf(bundle)[place('blob') - 1]!) as { blob: Json }).blob,
      '/blob/cas_id',
    ],
    ['a negative size', 'blob', 0, field('size_bytes', -1), '/blob/size_bytes'],
    ['bytes that are not base64', 'bytes', 0, () => '%%%%', '/bytes'],
    ['bytes with padding that is none', 'bytes', 0, (line) => `${line as unknown as string}====`, '/bytes'],
    ['another version hash', 'artifact', 0, field('version_hash', hash), '/artifact/version_hash'],
    ['another kind', 'artifact', 0, field('kind', 'run_manifest'), '/artifact/kind'],
    ['a patch that is no patch', 'artifact', 0, field('kind', 'dag_version'), '/artifact'],
    ['a blob that did not come', 'artifact', 0, field('cas_id', hash), '/artifact/cas_id'],
    ['a parent that did not come', 'artifact', 0, field('parents', [v7()]), '/artifact/parents/0'],
    ['a patch on nothing', 'artifact', 0, field('parents', []), '/artifact/parents'],
    [
      'a compaction of something else',
      'artifact',
      -1,
      field('compacted_from_id', v7()),
      '/artifact/compacted_from_id',
    ],
    [
      'a time that is none',
      'artifact',
      0,
      field('created_at', '2026-02-30T25:00:00.000Z'),
      '/artifact/created_at',
    ],
    ['a text that cannot be stored', 'artifact', 0, field('message', 'a\u0000b'), '/artifact/message'],
    ['a message that is too long', 'artifact', 0, field('message', 'x'.repeat(501)), '/artifact/message'],
    [
      'an id in capitals',
      'artifact',
      0,
      (line) => ({ ...line, id: (line.id as string).toUpperCase() }),
      '/artifact/id',
    ],
    ['a history with a gap', 'move', 1, field('seq', 3), '/move'],
    ['a history of another tag', 'move', 0, field('tag', 'w/none'), '/move'],
    ['a history that jumps', 'move', 1, field('from_id', v7()), '/move'],
    ['a history that ends elsewhere', 'move', -1, field('to_id', v7()), '/move'],
  ])('%s', async (...[, kind, n, change, path]) => {
    const { code, paths } = await refusal(forged(bundle, kind, change, n));
    expect(code).toBe('bundle_invalid');
    expect(paths[0]).toBe(`/${place(kind, n)}${path}`);
  });

  it('a size that is too large', async () => {
    const larger = (line: JsonObject) => ({ ...line, size_bytes: Number(line.size_bytes) + 1 });
    const { code, paths } = await refusal(forged(bundle, 'blob', larger));
    expect([code, paths]).toEqual(['bundle_invalid', [`/${place('blob') + 1}/bytes`]]);
  });

  it.each([
    ['an artifact left out', 'artifact', 0],
    ['the newest move left out', 'move', -1],
  ])('%s', async (_what, kind, n) => {
    expect((await refusal(forged(bundle, kind, () => undefined, n))).code).toBe('bundle_invalid');
  });

  it.each(['tag', 'missing'])('a %s where none can be', async (kind) => {
    const lines = linesOf(bundle);
    const [misplaced] = lines.splice(
      lines.findIndex((line) => kindOf(line) === kind),
      1,
    );
    lines.splice(lines.findIndex((line) => kindOf(line) === 'artifact') + 1, 0, misplaced!);
    const { code, message } = await refusal(sealed(lines));
    expect([code, message]).toEqual([
      'bundle_invalid',
      expect.stringMatching(/cannot come after an? artifact/),
    ]);
  });

  it('a compaction of another version', async () => {
    const artifacts = linesOf(bundle).filter((line) => kindOf(line) === 'artifact');
    const { id } = (JSON.parse(artifacts[0]!) as { artifact: { id: string } }).artifact;
    const n = artifacts.findIndex((line) => !line.includes('"compacted_from_id":null'));
    const other = (line: JsonObject) => ({ ...line, parents: [id], compacted_from_id: id });
    const { paths } = await refusal(forged(bundle, 'artifact', other, n));
    expect(paths).toEqual([`/${place('artifact', n)}/artifact/compacted_from_id`]);
  });

  it('a file left out', async () => {
    const lines = linesOf(bundle);
    const start = lines.findIndex((line) => line.includes(contentHash(FILE)) && kindOf(line) === 'blob');
    const without = sealed([...lines.slice(0, start), ...lines.slice(start + 4)]);
    // Not where an earlier attempt has put the file.
    const other = await testStore();
    try {
      await importOf(other.store, before);
      const { code, message } = await refusal(without, other);
      expect([code, message]).toEqual(['bundle_invalid', expect.stringContaining('needs the file')]);
    } finally {
      await other.close();
    }
  });

  it('an absent file that is not said to be absent', async () => {
    expect((await refusal(forged(bundle, 'absent', () => contentHash('something else')))).message).toMatch(
      /needs the file/,
    );
  });
});

/** A bundle of one version, from the text of its blob. */
function bundleWith(text: string, more: Partial<JsonObject> = {}): string {
  const cas_id = contentHash(text);
  const id = v7();
  const now = new Date().toISOString();
  const origin = {
    created_by: 'token:admin',
    created_at: now,
    message: null,
    parents: [],
    compacted_from_id: null,
    reverts_id: null,
  };
  const by = { moved_by: 'token:admin', moved_at: now };
  const tag = { name: 'made', artifact_id: id, version_hash: cas_id, version: 1, ...by };
  const move = {
    tag: 'made',
    seq: 1,
    type: 'create',
    to_id: id,
    to_hash: cas_id,
    reason: null,
    reverses_seq: null,
  } as const;
  return sealed([
    ...linesOf(
      writeLine('header', {
        format: 'orchestrator-bundle',
        version: 1,
        workflow: { name: 'made', description: 'by hand' },
      }),
    ),
    ...linesOf(writeLine('tag', tag)),
    ...linesOf(
      writeLine('blob', { cas_id, media_type: 'application/json', size_bytes: Buffer.byteLength(text) }),
    ),
    ...linesOf(writeLine('bytes', Buffer.from(text).toString('base64'))),
    ...linesOf(
      writeLine('artifact', { id, kind: 'dag_version', cas_id, version_hash: cas_id, ...origin, ...more }),
    ),
    ...linesOf(writeLine('move', { ...move, ...by, from_id: null, from_hash: null })),
  ]);
}

const CANONICAL =
  '{"name":"x","nodes":{"a":{"config":{"value":"made"},"type":"transform"}},"schema_version":1}';

describe('a version made by hand', () => {
  it('is taken in when it is what a save would have made, and never as made by someone of here', async () => {
    expect((await importOf(there.store, bundleWith(CANONICAL))).imported).toEqual({ artifacts: 1, blobs: 1 });
    const made = await there.store.refs.find(PROJECT_ID, 'made');
    expect(made).toMatchObject({
      created_by: 'import:token:admin',
      description: 'by hand',
      workflow_created_by: 'test',
    });
    const copy = await bundleOf(there.store, 'made');
    const other = await testStore();
    try {
      await importOf(other.store, copy);
      expect((await other.store.refs.find(PROJECT_ID, 'made')).created_by).toBe('import:token:admin');
    } finally {
      await other.close();
    }
  });

  it('is not dated into the future', async () => {
    const text = CANONICAL.replace('made', 'early');
    await importOf(there.store, bundleWith(text, { created_at: '2999-01-01T00:00:00.000Z' }), {
      as: 'early',
    });
    const { created_at } = await there.store.refs.find(PROJECT_ID, 'early');
    expect(created_at!.getTime()).toBeLessThanOrEqual(Date.now() + 60_000);
  });

  it.each([
    ['no definition', '{"schema_version":1}', '/artifact/name'],
    [
      'a node that does not exist',
      CANONICAL.replace('"type"', '"needs":["z"],"type"').replace('}},"sc', '}},"sc'),
      '/artifact/nodes/a/needs/0',
    ],
    ['no JSON', 'no json', '/artifact/cas_id'],
    [
      'another order of members',
      '{"schema_version":1,"name":"x","nodes":{"a":{"type":"transform","config":{"value":1}}}}',
      '/artifact',
    ],
    ['a number that JSON has no form for', '{"a":1e999}', '/artifact'],
  ])('is refused when its blob is %s', async (_what, text, path) => {
    const { code, paths } = await refusal(bundleWith(text));
    expect(code).toBe('bundle_invalid');
    expect(paths).toContain(`/5${path}`);
  });

  it('is refused when its blob is known here, but to another project alone', async () => {
    const text = CANONICAL.replace('made', 'secret');
    const other = callerAs('other', 'owner', { project_id: v7() });
    await there.database.pool.query(
      "INSERT INTO project (id, name, created_by) VALUES ($1, 'secret', 'test')",
      [other.project_id],
    );
    await there.store.blobs.put(other.project_id, Buffer.from(text), { media_type: 'application/json' });
    const without = sealed(
      linesOf(bundleWith(text)).filter((line) => !['blob', 'bytes'].includes(kindOf(line))),
    );
    expect((await refusal(without)).message).toMatch(/needs a blob that has not come/);
  });
});

describe('limits', () => {
  it('hold for the bytes of a bundle, its artifacts and its lines', async () => {
    const small = (limits: object) => ({
      ...there,
      store: storeServices({ db: there.database.db, ids: v7, limits }),
    });
    expect(await refusal(bundle, small({ bundle_bytes: bundle.length - 1 }))).toMatchObject({
      code: 'payload_too_large',
    });
    expect(await refusal(bundle, small({ bundle_artifacts: 4 }))).toMatchObject({
      code: 'payload_too_large',
    });
    expect(await refusal(bundle, small({ chain: 1 }))).toMatchObject({ code: 'state_conflict' });
    expect(await refusal(bundle, small({ blob_bytes: 100_000 }))).toMatchObject({
      code: 'payload_too_large',
    });
    for (const end of ['', '\n'])
      expect((await refusal(`${'x'.repeat(200_000)}${end}`)).message).toMatch(/^Line 1: is longer than/);
    const exporting = storeServices({ db: here.database.db, ids: v7, limits: { bundle_artifacts: 4 } });
    await expect(bundleOf(exporting, 'w')).rejects.toMatchObject({ code: 'state_conflict' });
  });
});
