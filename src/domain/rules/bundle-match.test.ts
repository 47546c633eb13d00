import { foreignAuthor, type Identity, matcher } from './bundle-match.ts';

const version = (id: string, more: Partial<Identity> = {}): Identity => ({
  id,
  kind: 'patch_set',
  cas_id: 'operations',
  version_hash: 'result',
  parents: ['parent'],
  compacted_from_id: null,
  reverts_id: null,
  message: 'why',
  created_by: 'user:ada',
  created_at: new Date(0),
  ...more,
});
const find = (here: Identity[], ...wanted: Identity[]) => {
  const match = matcher(here, new Set(wanted.map(({ id }) => id)));
  return wanted.map((one) => match(one)?.id);
};

it('is the one with the id, if it holds the same', () => {
  expect(find([version('a'), version('b')], version('b'))).toEqual(['b']);
  // Its parents may be unknown here: the history begins later.
  expect(find([version('b', { parents: [] })], version('b'))).toEqual(['b']);
  expect(find([version('b', { cas_id: 'others', version_hash: 'other' })], version('b'))).toEqual([
    undefined,
  ]);
});

it('is one under another id that is the same in everything else', () => {
  expect(find([version('copy')], version('a'))).toEqual(['copy']);
  expect(find([version('copy', { created_by: foreignAuthor('user:ada') })], version('a'))).toEqual(['copy']);
  for (const other of [
    { parents: ['another'] },
    { cas_id: 'other' },
    { version_hash: 'other' },
    { kind: 'dag_version' },
    { compacted_from_id: 'x' },
    { reverts_id: 'x' },
    { message: null },
    { created_by: 'user:eve' },
    { created_at: new Date(1) },
  ])
    expect(find([version('copy', other)], version('a'))).toEqual([undefined]);
});

it('stands for one artifact of the bundle alone', () => {
  const copies = [version('c1'), version('c2')];
  expect(find(copies, version('v1'), version('v2'), version('v3'))).toEqual(['c1', 'c2', undefined]);
});

it('leaves to each id of the bundle what is here under it', () => {
  expect(find([version('b')], version('a'), version('b'))).toEqual([undefined, 'b']);
});

it('marks an author once', () => {
  expect(foreignAuthor(foreignAuthor('user:ada'))).toBe('import:user:ada');
});
