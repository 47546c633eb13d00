import {
  callerAs,
  codeOf,
  definitionOf,
  PROJECT_ID as project_id,
  type TestStore,
  testStore,
} from '../../test/support/store.ts';
import type { Caller } from './refs.ts';
import type { Expectation } from './rules/tag-move.ts';
import type { StoreServices } from './store.ts';
import type { BrokenGlass } from './tags-write.ts';

const owner = callerAs('olga');
const operator = callerAs('otto', 'operator');
const editor = callerAs('edda', 'editor');
const fireman = callerAs('fred', 'editor', { permissions: ['tag:break_glass'] });
const broken: BrokenGlass[] = [];
let opened: TestStore;
let store: StoreServices;
/** A version and two patches of it that do not touch each other. */
let versions: string[];
/** A patch of the first patch. */
let child: string;

beforeAll(async () => {
  opened = await testStore({ onBreakGlass: (event) => broken.push(event) });
  ({ store } = opened);
  const root = { tag: 'root', definition: definitionOf(0), expectation: {} };
  const { id } = (await store.workflows.save(owner, root)).head;
  const [one, two] = [await patched('one', id, '/description'), await patched('two', id, '/params')];
  versions = [id, one, two];
  child = await patched('child', one, '/output');
  await store.tag_rules.create(owner, { pattern: '*/live', role: 'operator', approvals: 0 });
  await store.tag_rules.create(owner, { pattern: '*/production', role: 'operator', approvals: 1 });
});

afterAll(() => opened?.close());

/** A patch on `base`, by a tag of its own. */
async function patched(tag: string, base: string, path: string): Promise<string> {
  await store.tags.put(owner, tag, { target: base, expectation: {} });
  const operations = [{ op: 'add', path, value: path === '/params' ? {} : 'x' }];
  return (await store.patches.create(owner, { tag, operations, expectation: {} })).head.id;
}

interface Attempt {
  name: string;
  by: Caller;
  expectation: Expectation;
  break_glass?: boolean;
}

const PATCH = [{ op: 'add', path: '/description', value: 'y' }];

/** Every way to write to a tag that stands in the middle of its history. */
const VERBS: Record<string, (attempt: Attempt) => Promise<unknown>> = {
  put: ({ name, by, ...rest }) => store.tags.put(by, name, { ...rest, target: versions[0]!, reason: 'r' }),
  move: ({ name, by, ...rest }) => store.tags.move(by, name, { ...rest, target: versions[0]!, reason: 'r' }),
  undo: ({ name, by, ...rest }) => store.tags.undo(by, name, { ...rest, reason: 'r' }),
  redo: ({ name, by, ...rest }) => store.tags.redo(by, name, { ...rest, reason: 'r' }),
  delete: ({ name, by, ...rest }) => store.tags.delete(by, name, { ...rest, reason: 'r' }),
  'delete as a workflow': ({ name, by, ...rest }) =>
    store.workflows.delete(by, name, { ...rest, reason: 'r' }),
  save: ({ name: tag, by, ...rest }) =>
    store.workflows.save(by, { ...rest, tag, definition: definitionOf('saved'), message: 'r' }),
  patch: ({ name: tag, by, ...rest }) =>
    store.patches.create(by, { ...rest, tag, operations: PATCH, message: 'r' }),
  revert: ({ name: tag, by, ...rest }) =>
    store.patches.revert(by, versions[1]!, { ...rest, tag, message: 'r' }),
  compact: ({ by, ...tag }) => store.artifacts.compact(by, versions[1]!, { tag, message: 'r' }),
  merge: ({ name: tag, by, ...rest }) =>
    store.merges.merge(by, { ...rest, ours: tag, theirs: versions[2]!, tag, message: 'r' }),
  'merge by going forward': ({ name: tag, by, ...rest }) =>
    store.merges.merge(by, { ...rest, ours: tag, theirs: child, tag, message: 'r' }),
};
const verbs = Object.keys(VERBS);
/** They make the version that they move to. */
const CANNOT_BE_APPROVED = ['save', 'patch', 'revert', 'compact', 'merge'];
let made = 0;

/** A tag at version 4 with one position before it and one to redo, made by whom no rule stops. */
async function walkedTag(kind: 'free' | 'live' | 'production' | 'flagged' | 'bound'): Promise<string> {
  const name = `t${++made}/${kind}`;
  const forced = { break_glass: true, reason: 'set-up' };
  const by = { ...owner, permissions: fireman.permissions };
  for (const [i, target] of versions.entries())
    await store.tags.put(by, name, { target, ...forced, expectation: i === 0 ? {} : { if_match: i } });
  const undone = await store.tags.undo(by, name, { ...forced, expectation: { if_match: 3 } });
  if (kind === 'flagged') {
    const target = undone.tag.target_id;
    await store.tags.put(by, name, { target, protect: true, expectation: {} });
  }
  broken.length = 0;
  return name;
}

/** An environment for workflows, whose tags only its deployments move. */
const bind = (environment: string, binds_tags = true) =>
  opened.database.pool.query(
    `INSERT INTO environment (id, project_id, name, description, deployer, settings, variables, secrets, checks, watch_seconds,
       binds_tags, created_by) VALUES (gen_random_uuid(), $1, $2, '', 'tag', '{}', '{}', '{}', '[]', 0, $3, 'test')
     ON CONFLICT (project_id, name) DO UPDATE SET binds_tags = $3`,
    [project_id, environment, binds_tags],
  );

const lastEntry = async (name: string) =>
  (await store.tags.history(project_id, name, { limit: 1 })).items[0]!;

describe.each(verbs)('%s', (verb) => {
  const attempt = (name: string, by: Caller, expectation: Expectation, break_glass?: boolean) =>
    codeOf(VERBS[verb]!({ name, by, expectation, break_glass }));

  it('goes through the gate of the flag: If-Match, then the role', async () => {
    const name = await walkedTag('flagged');
    expect(await attempt(name, editor, { expected: 4 })).toBe('tag_protected');
    expect(await attempt(name, editor, { if_match: 3 })).toBe('stale_if_match');
    expect(await attempt(name, editor, { if_match: 4, expected: 3 })).toBe('version_conflict');
    expect(await attempt(name, operator, { if_match: 4 })).toBe('forbidden');
    expect(await attempt(name, owner, { if_match: 4 })).toBe('done');
  });

  it('goes through the gate of a rule: If-Match, then its role', async () => {
    const name = await walkedTag('live');
    expect(await attempt(name, operator, {})).toBe('tag_protected');
    expect(await attempt(name, editor, { if_match: 4 })).toBe('forbidden');
    expect((await lastEntry(name)).version).toBe(4);
    expect(await attempt(name, operator, { if_match: 4 })).toBe('done');
    expect(await lastEntry(name)).toMatchObject({ version: 5, break_glass: false });
  });

  it('needs an approval where a rule asks for one, whoever it is', async () => {
    const name = await walkedTag('production');
    expect(await attempt(name, editor, { if_match: 4 })).toBe('forbidden');
    expect(await attempt(name, owner, { if_match: 4 })).toBe('approval_required');
    expect((await lastEntry(name)).version).toBe(4);
  });

  it('breaks the glass with the permission alone, never past If-Match, and leaves its mark', async () => {
    const name = await walkedTag('production');
    expect(await attempt(name, owner, { if_match: 4 }, true)).toBe('forbidden');
    expect(await attempt(name, fireman, {}, true)).toBe('tag_protected');
    expect(await attempt(name, fireman, { if_match: 3 }, true)).toBe('stale_if_match');
    expect(broken).toEqual([]);
    expect(await attempt(name, fireman, { if_match: 4 }, true)).toBe('done');
    expect(await lastEntry(name)).toMatchObject({ break_glass: true, moved_by: 'fred', reason: 'r' });
    expect(broken).toEqual([
      { project_id, tag: name, actor: 'fred', reason: 'r', command: expect.any(String) as string },
    ]);
  });

  it('leaves a tag that is bound to an environment to its deployments, and to broken glass', async () => {
    await bind('bound');
    const name = await walkedTag('bound');
    expect(await attempt(name, owner, { if_match: 3 })).toBe('stale_if_match');
    expect(await attempt(name, owner, { if_match: 4 })).toBe('tag_bound');
    expect((await lastEntry(name)).version).toBe(4);
    const deployment = { ...editor, deployment: { run_id: project_id } };
    expect(await attempt(name, deployment, {})).toBe('done');
    expect(await attempt(await walkedTag('bound'), fireman, {}, true)).toBe('done');
  });

  it('takes no other role where nothing guards', async () => {
    expect(await attempt(await walkedTag('free'), editor, {})).toBe('done');
  });
});

it.each(verbs.filter((verb) => !CANNOT_BE_APPROVED.includes(verb)))(
  '%s is written with the approval of another for just this change',
  async (verb) => {
    const name = await walkedTag('production');
    const by = { name, by: operator, expectation: { if_match: 4 } };
    const error = await VERBS[verb]!(by).catch((reason: unknown) => reason);
    const { target_id: target, ...counted } = (error as { data: { extra: { target_id: string | null } } })
      .data.extra;
    expect(counted).toEqual({ needed: 1, given: 0 });
    await store.approvals.approve(operator, name, { target, expectation: {} });
    expect(await codeOf(VERBS[verb]!(by))).toBe('approval_required');
    await store.approvals.approve(owner, name, { target, expectation: {} });
    expect(await codeOf(VERBS[verb]!(by))).toBe('done');
  },
);

it('guards the creation of a tag by role and approvals, without If-Match', async () => {
  const create = (by: Caller, name: string) =>
    codeOf(store.tags.put(by, name, { target: versions[0]!, expectation: {} }));
  const save = (by: Caller, tag: string) =>
    codeOf(store.workflows.save(by, { tag, definition: definitionOf(0), expectation: {} }));
  expect(await create(editor, 'new1/live')).toBe('forbidden');
  expect(await save(editor, 'new1/live')).toBe('forbidden');
  expect(await create(operator, 'new1/live')).toBe('done');
  expect(await save(operator, 'new2/live')).toBe('done');
  expect(await save(operator, 'new3/production')).toBe('approval_required');
  expect(await create(operator, 'new3/production')).toBe('approval_required');
  await store.approvals.approve(owner, 'new3/production', { target: versions[0]!, expectation: {} });
  expect(await create(operator, 'new3/production')).toBe('done');
});

describe('a tag bound to an environment', () => {
  const create = (by: Caller, name: string) =>
    codeOf(store.tags.put(by, name, { target: versions[0]!, expectation: {} }));
  const deployment = (by: Caller, undoes?: boolean) => ({
    ...by,
    deployment: { run_id: project_id, undoes },
  });

  it('is not even made by anybody else, and names where to go instead', async () => {
    await bind('bound');
    const made = store.tags.put(owner, 'made1/bound', { target: versions[0]!, expectation: {} });
    const error = await made.catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'tag_bound', data: { extra: { environment: 'bound' } } });
    expect((error as Error).message).toMatch(/environment bound: POST .*\/deploy/);
    const save = { tag: 'made1/bound', definition: definitionOf(0), expectation: {} };
    expect(await codeOf(store.workflows.save(owner, save))).toBe('tag_bound');
    expect(await create(deployment(editor), 'made1/bound')).toBe('done');
  });

  it('is one of the form <workflow>/<environment>, in that project, while the environment says so', async () => {
    await bind('bound');
    expect(await create(editor, 'made2/eu/bound')).toBe('done');
    expect(await create(editor, 'bound')).toBe('done');
    expect(await create(editor, 'made2/unbound')).toBe('done');
    await bind('bound', false);
    expect(await create(editor, 'made2/bound')).toBe('done');
  });

  it('asks a deployment for what its rules ask for, unless it takes back what it did', async () => {
    await bind('production');
    const name = await walkedTag('production');
    const undo = (by: Caller, if_match: number) =>
      codeOf(store.tags.undo(by, name, { expectation: { if_match } }));
    expect(await undo(deployment(editor), 4)).toBe('forbidden');
    expect(await undo(deployment(owner), 4)).toBe('approval_required');
    expect(await undo(deployment(editor, true), 3)).toBe('stale_if_match');
    expect(await undo(deployment(editor, true), 4)).toBe('done');
    await bind('production', false);
  });
});

it('costs two statements, rules or not', async () => {
  const name = await walkedTag('live');
  opened.statements.length = 0;
  await store.tags.move(operator, name, { target: versions[0]!, expectation: { if_match: 4 } });
  await store.tags.undo(operator, name, { expectation: { if_match: 5 } });
  expect(opened.statements).toHaveLength(4);
});

it('lets one of 50 concurrent writers of one version through, whatever they do', async () => {
  const name = await walkedTag('production');
  const targets = [versions[0]!, versions[2]!, null];
  for (const target of targets) await store.approvals.approve(owner, name, { target, expectation: {} });
  const choice = verbs.filter((verb) => !CANNOT_BE_APPROVED.includes(verb));
  const codes = await Promise.all(
    Array.from({ length: 50 }, (_, i) =>
      codeOf(VERBS[choice[i % choice.length]!]!({ name, by: operator, expectation: { if_match: 4 } })),
    ),
  );
  expect(codes.filter((code) => code === 'done')).toHaveLength(1);
  expect(codes.filter((code) => !['done', 'stale_if_match', 'not_found'].includes(code))).toEqual([]);
  expect((await lastEntry(name)).version).toBe(5);
});

describe('a version that garbage collection took', () => {
  const collect = (id: string) =>
    opened.database.pool.query('UPDATE artifact SET live = false WHERE id = $1', [id]);

  it('answers 410 to move, undo and redo, and nothing is written', async () => {
    const save = async (n: string) =>
      (await store.workflows.save(owner, { tag: `gone-${n}`, definition: definitionOf(n), expectation: {} }))
        .head;
    const [first, second, third] = [await save('1'), await save('2'), await save('3')];
    const put = (target: string) => store.tags.put(owner, 'w/gone', { target, expectation: {} });
    for (const { id } of [first, second, third]) await put(id);
    await store.tags.undo(owner, 'w/gone', { expectation: {} });
    for (const n of ['1', '3']) await store.tags.delete(owner, `gone-${n}`, { expectation: {} });
    await collect(first.id);
    await collect(third.id);
    expect(await codeOf(put(first.id))).toBe('blob_collected');
    expect(await codeOf(put(first.version_hash))).toBe('blob_collected');
    expect(await codeOf(store.tags.put(owner, 'w/new', { target: third.id, expectation: {} }))).toBe(
      'blob_collected',
    );
    expect(await codeOf(store.tags.undo(owner, 'w/gone', { expectation: {} }))).toBe('blob_collected');
    expect(await codeOf(store.tags.redo(owner, 'w/gone', { expectation: {} }))).toBe('blob_collected');
    expect(await lastEntry('w/gone')).toMatchObject({ version: 4, to_id: second.id });
  });

  it('gives way to a younger one of the same content when a hash is named', async () => {
    const save = async (tag: string) =>
      (await store.workflows.save(owner, { tag, definition: definitionOf('twin'), expectation: {} })).head;
    const [old, young] = [await save('twin-1'), await save('twin-2')];
    const put = () => store.tags.put(owner, 'w/twin', { target: old.version_hash, expectation: {} });
    await store.tags.delete(owner, 'twin-1', { expectation: {} });
    await collect(old.id);
    expect((await put()).tag.target_id).toBe(young.id);
  });
});
