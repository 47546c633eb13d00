import { chmodSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { openRepository } from '../../src/clients/git/open-repository.ts';
import type { ChangedFile, Hunk, RepositoryLimits } from '../../src/contract/source-repository.ts';
import { LIMITS, repositoryAt, scratch } from './scratch.ts';

const root = scratch();
let repositories = 0;
const fresh = () => repositoryAt(path.join(root, `r${(repositories += 1)}`));

async function changes(
  repository: string,
  [base, head]: [string, string],
  limits: Partial<RepositoryLimits> = {},
) {
  const opened = await openRepository({
    repository,
    ref: head,
    more_refs: [base],
    depth: null,
    limits: { ...LIMITS, ...limits },
    allow: { local_roots: [root], hosts: [] },
  });
  try {
    return await opened.changesBetween(base, head);
  } finally {
    await opened.close();
  }
}

const short = ({ path, old_path, status, added_lines }: ChangedFile) => ({
  path,
  old_path,
  status,
  added_lines,
});

test('files that were added, changed, deleted and renamed are told with the lines that head has', async () => {
  const { directory, commit } = fresh();
  const text = Array.from({ length: 30 }, (_, i) => `line ${i}\n`).join('');
  const base = commit({
    'keep.txt': 'same\n',
    'edit.txt': text,
    'gone.txt': 'gone\n',
    'old.txt': `${text}old\n`,
  });
  rmSync(path.join(directory, 'gone.txt'));
  renameSync(path.join(directory, 'old.txt'), path.join(directory, 'new.txt'));
  const head = commit({
    'edit.txt': text.replace('line 3\n', 'changed\nand more\n').replace('line 20\n', ''),
    'added.txt': 'a\nb',
    'new.txt': `${text}new\n`,
  });
  const found = await changes(directory, [base, head]);
  expect(found).toMatchObject({ base_commit: base, head_commit: head, truncated: false });
  expect(found.files.map(short)).toEqual([
    { path: 'added.txt', old_path: 'added.txt', status: 'added', added_lines: [1, 2] },
    { path: 'edit.txt', old_path: 'edit.txt', status: 'modified', added_lines: [4, 5] },
    { path: 'gone.txt', old_path: 'gone.txt', status: 'deleted', added_lines: [] },
    { path: 'new.txt', old_path: 'old.txt', status: 'renamed', added_lines: [31] },
  ]);
  expect(found.files[0]!.hunks[0]!.lines).toEqual([
    { kind: 'added', text: 'a' },
    { kind: 'added', text: 'b', no_newline: true },
  ]);
});

test('what the base went on to do is not a change of the head', async () => {
  const { directory, commit, git } = fresh();
  const start = commit({ a: '1\n' });
  git('checkout', '-q', '-b', 'topic');
  const head = commit({ b: '2\n' });
  git('checkout', '-q', 'main');
  const base = commit({ c: '3\n' });
  const found = await changes(directory, [base, head]);
  expect([found.base_commit, found.files.map((file) => file.path)]).toEqual([start, ['b']]);
});

test('strange paths come through', async () => {
  const { directory, commit } = fresh();
  const names = [
    'sp ace.txt',
    'ü/日本.txt',
    'new\nline',
    'quo"te',
    'back\\slash',
    '-dash',
    'tab\t',
    ':(glob)*',
    'b => c',
  ];
  const base = commit();
  const head = commit(Object.fromEntries(names.map((name) => [name, 'x\n'])));
  const found = await changes(directory, [base, head]);
  expect(found.files.map((file) => file.path).sort()).toEqual([...names].sort());
  for (const file of found.files) expect(file.added_lines).toEqual([1]);
});

test('a file whose lines look like a patch is read as a file', async () => {
  const { directory, commit } = fresh();
  const lines = [
    'diff --git a/x b/x',
    '@@ -1 +1 @@',
    'Binary files a and b differ',
    '\\ No newline at end of file',
  ];
  const base = commit({ a: `${lines.join('\n')}\n` });
  const head = commit({ a: `${[...lines, ...lines.map((line) => `-${line}`)].join('\n')}\n`, z: 'z\n' });
  const found = await changes(directory, [base, head]);
  expect(found.files.map(({ path, binary, added_lines }) => [path, binary, added_lines])).toEqual([
    ['a', false, [5, 6, 7, 8]],
    ['z', false, [1]],
  ]);
});

test('carriage returns belong to the text, and a line feed at the end counts', async () => {
  const { directory, commit } = fresh();
  const base = commit({ crlf: 'a\r\nb\r\n', end: 'x\ny' });
  const head = commit({ crlf: 'a\r\nb\n', end: 'x\ny\n' });
  const found = await changes(directory, [base, head]);
  expect(found.files.map((file) => file.hunks[0]!.lines)).toEqual([
    [
      { kind: 'context', text: 'a\r' },
      { kind: 'removed', text: 'b\r' },
      { kind: 'added', text: 'b' },
    ],
    [
      { kind: 'context', text: 'x' },
      { kind: 'removed', text: 'y', no_newline: true },
      { kind: 'added', text: 'y' },
    ],
  ]);
});

test('binary files, modes and types have no hunks to show, or those of both', async () => {
  const { directory, commit } = fresh();
  const base = commit({ bin: Buffer.from([0, 1]), mode: 'm\n', type: 'target', after: '1\n' });
  chmodSync(path.join(directory, 'mode'), 0o755);
  rmSync(path.join(directory, 'type'));
  symlinkSync('target2', path.join(directory, 'type'));
  const head = commit({ bin: Buffer.from([0, 2]), after: '1\n2\n', zz: '' });
  const { files } = await changes(directory, [base, head]);
  expect(
    files.map(({ path, status, binary, old_mode, new_mode, added_lines }) => ({
      path,
      status,
      binary,
      modes: [old_mode, new_mode],
      added_lines,
    })),
  ).toEqual([
    { path: 'after', status: 'modified', binary: false, modes: ['file', 'file'], added_lines: [2] },
    { path: 'bin', status: 'modified', binary: true, modes: ['file', 'file'], added_lines: [] },
    { path: 'mode', status: 'modified', binary: false, modes: ['file', 'executable'], added_lines: [] },
    { path: 'type', status: 'type_changed', binary: false, modes: ['file', 'symlink'], added_lines: [1] },
    { path: 'zz', status: 'added', binary: false, modes: [null, 'file'], added_lines: [] },
  ]);
});

test('a diff that is too large is cut, and every file without its hunks says so', async () => {
  const { directory, commit } = fresh();
  const base = commit();
  const head = commit({ a: 'a\n', b: 'b\n'.repeat(5_000), c: 'c\n' });
  const found = await changes(directory, [base, head], { diff_bytes: 2_000 });
  expect(found.truncated).toBe(true);
  expect(
    found.files.map(({ path, truncated, added_lines }) => [path, truncated, added_lines.length]),
  ).toEqual([
    ['a', false, 1],
    ['b', true, 0],
    ['c', true, 0],
  ]);
});

test('more files than allowed are cut off, and a file too large to compare counts as binary', async () => {
  const { directory, commit } = fresh();
  const base = commit();
  const head = commit({ a: 'a\n'.repeat(1_000), b: 'b\n', c: 'c\n' });
  const found = await changes(directory, [base, head], { files: 2, file_bytes: 1_000 });
  expect([found.truncated, found.files.map(({ path, binary }) => [path, binary])]).toEqual([
    true,
    [
      ['a', true],
      ['b', false],
    ],
  ]);
});

test('commits without a common ancestor, and what is no commit, are refused', async () => {
  const { directory, commit, git } = fresh();
  const base = commit({ a: 'a' });
  git('checkout', '-q', '--orphan', 'other');
  const head = commit({ b: 'b' });
  await expect(changes(directory, [base, head])).rejects.toMatchObject({ code: 'no_merge_base' });
  const opened = await openRepository({
    repository: directory,
    limits: LIMITS,
    allow: { local_roots: [root], hosts: [] },
  });
  for (const bad of ['main', '--output=x', 'f'.repeat(40)]) {
    await expect(opened.changesBetween(bad, head)).rejects.toMatchObject({ code: 'ref_not_found' });
  }
  await opened.close();
});

/** The text that the hunks make of an old one; throws when a line is not the one that they expect. */
function applied(old_text: string, hunks: readonly Hunk[]): string {
  const old_lines = linesOf(old_text);
  const result: string[] = [];
  let at = 0;
  for (const hunk of hunks) {
    const start = hunk.old_lines === 0 ? hunk.old_start : hunk.old_start - 1;
    result.push(...old_lines.slice(at, start));
    at = start;
    for (const { kind, text, no_newline } of hunk.lines) {
      const line = no_newline ? text : `${text}\n`;
      if (kind !== 'added') expect(old_lines[at++]).toBe(line);
      if (kind !== 'removed') result.push(line);
    }
  }
  return [...result, ...old_lines.slice(at)].join('');
}

const linesOf = (text: string) => text.match(/[^\n]*\n|[^\n]+$/g) ?? [];

test('the hunks of any change turn the old text into the new one, and added lines are those that are new', async () => {
  const line = fc.constantFrom(
    'a',
    'b',
    'c',
    '',
    '}',
    '-x',
    '+y',
    '@@ -1 +1 @@',
    'ü',
    'cr\r',
    '\\ No newline',
    ' sp ',
  );
  const text = fc
    .tuple(fc.array(line, { maxLength: 40 }), fc.boolean())
    .map(([lines, end]) => lines.join('\n') + (end ? '\n' : ''));
  const edit = fc.record({ at: fc.nat(40), remove: fc.nat(5), insert: fc.array(line, { maxLength: 4 }) });
  const pair = fc.tuple(text, fc.array(edit, { maxLength: 4 })).map(([old_text, edits]) => {
    const lines = old_text.split('\n');
    for (const { at, remove, insert } of edits) lines.splice(Math.min(at, lines.length), remove, ...insert);
    return [old_text, lines.join('\n')] as const;
  });
  const { directory, commit } = fresh();
  await fc.assert(
    fc.asyncProperty(fc.array(pair, { minLength: 1, maxLength: 6 }), async (pairs) => {
      const files = (side: 0 | 1) => Object.fromEntries(pairs.map((texts, i) => [`f${i}`, texts[side]]));
      const base = commit(files(0));
      const head = commit(files(1));
      const found = await changes(directory, [base, head]);
      const changed = new Map(found.files.map((file) => [file.path, file]));
      for (const [i, [old_text, new_text]] of pairs.entries()) {
        const file = changed.get(`f${i}`);
        expect(file !== undefined).toBe(old_text !== new_text);
        if (!file) continue;
        expect(applied(old_text, file.hunks)).toBe(new_text);
        const new_lines = linesOf(new_text);
        const added = file.hunks.flatMap(({ lines }) => lines.filter(({ kind }) => kind === 'added'));
        expect(file.added_lines.map((number) => new_lines[number - 1])).toEqual(
          added.map(({ text, no_newline }) => (no_newline ? text : `${text}\n`)),
        );
      }
    }),
    { numRuns: 40 },
  );
});
