import { chmodSync, existsSync, mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { openRepository, type OpenRequest } from '../../src/clients/git/open-repository.ts';
import { sweepWorkspaces } from '../../src/clients/git/workspace.ts';
import { LIMITS, repositoryAt, scratch, workspacesIn } from './scratch.ts';

const root = scratch();
const work_root = path.join(root, 'work');
const repositories = path.join(root, 'allowed');
const outside = path.join(root, 'outside');
const source = repositoryAt(path.join(repositories, 'one'));
const secret = repositoryAt(outside);
let first: string;
let second: string;

beforeAll(() => {
  mkdirSync(work_root);
  secret.commit({ 'secret.txt': 'secret' });
  first = source.commit({
    'a.txt': 'one\n',
    'deep/b c.txt': 'zwei ü\n',
    'bin.dat': new Uint8Array([1, 0, 2]),
  });
  writeFileSync(path.join(source.directory, 'run.sh'), '#!/bin/sh\n');
  chmodSync(path.join(source.directory, 'run.sh'), 0o755);
  symlinkSync('/etc/passwd', path.join(source.directory, 'link'));
  second = source.commit({ 'a.txt': 'two\n', 'large.txt': 'x'.repeat(LIMITS.file_bytes + 1) });
  source.git('tag', '-a', 'v1', '-m', 'v1', first);
  source.write('a.txt', 'not committed\n');
  source.write('new.txt', 'not committed\n');
});

function open(repository: string, more: Partial<OpenRequest> = {}) {
  return openRepository(
    { repository, limits: LIMITS, allow: { local_roots: [repositories], hosts: [] }, ...more },
    { work_root },
  );
}

afterEach(() => expect(workspacesIn(work_root)).toEqual([]));

test('the tree of HEAD is listed with sizes, modes and names of content, and the work tree is not read', async () => {
  const repository = await open(source.directory);
  expect(repository.commit).toBe(second);
  expect(repository.tree.map(({ path, mode, size_bytes }) => [path, mode, size_bytes])).toEqual([
    ['a.txt', 'file', 4],
    ['bin.dat', 'file', 3],
    ['deep/b c.txt', 'file', 8],
    ['large.txt', 'file', null],
    ['link', 'symlink', 11],
    ['run.sh', 'executable', 10],
  ]);
  expect(repository.tree[0]!.blob).toBe(source.git('rev-parse', 'HEAD:a.txt'));
  await repository.close();
});

test('files are read in any order: text, binary, a link as its text, and not what is too large', async () => {
  const repository = await open(source.directory);
  const [text, binary, link, large, spaced] = await Promise.all(
    ['a.txt', 'bin.dat', 'link', 'large.txt', 'deep/b c.txt'].map((file) => repository.readFile(file)),
  );
  expect(text).toMatchObject({ kind: 'text', text: 'two\n' });
  expect(binary).toMatchObject({ kind: 'binary', bytes: Buffer.from([1, 0, 2]) });
  expect(link).toMatchObject({ kind: 'text', text: '/etc/passwd' });
  expect(large).toEqual({ kind: 'too_large', size_bytes: null });
  expect(spaced).toMatchObject({ text: 'zwei ü\n' });
  for (const missing of ['new.txt', '../outside/secret.txt', 'HEAD:a.txt', '']) {
    await expect(repository.readFile(missing)).rejects.toMatchObject({ code: 'not_found' });
  }
  await repository.close();
  await expect(repository.readFile('a.txt')).rejects.toMatchObject({ code: 'repository_invalid' });
});

test.each([
  ['a branch', () => 'main', () => second],
  ['an annotated tag', () => 'v1', () => first],
  ['a commit that no ref names', () => first, () => first],
])('%s is opened', async (_what, ref, commit) => {
  const repository = await open(source.directory, { ref: ref() });
  expect(repository.commit).toBe(commit());
  await repository.close();
});

test.each(['nothing', '0'.repeat(40), 'main~1', '--upload-pack=touch pwned', 'main:refs/heads/x'])(
  'the ref %s is not found',
  async (ref) => {
    await expect(open(source.directory, { ref })).rejects.toMatchObject({ code: 'ref_not_found' });
    expect(existsSync(path.join(source.directory, 'pwned'))).toBe(false);
  },
);

describe('a path is refused', () => {
  const at = (name: string) => path.join(repositories, name);
  test.each<[string, () => string]>([
    ['outside the roots', () => outside],
    ['by way of ..', () => `${repositories}/../outside`],
    ['that is relative', () => 'allowed/one'],
    ['that is not there', () => at('nothing')],
    ['that begins with a dash', () => '--upload-pack=x'],
    ['with a NUL', () => `${at('one')}\0`],
    ['by a symbolic link that leads out', () => (symlinkSync(outside, at('out')), at('out'))],
    [
      'by a .git that links out',
      () => (
        mkdirSync(at('dotgit')),
        symlinkSync(path.join(outside, '.git'), at('dotgit/.git')),
        at('dotgit')
      ),
    ],
    [
      'by a .git file that points out',
      () => (mkdirSync(at('file')), writeFileSync(at('file/.git'), `gitdir: ${outside}/.git\n`), at('file')),
    ],
    [
      'by objects that are borrowed from outside',
      () => {
        const { directory } = repositoryAt(at('borrows'));
        writeFileSync(path.join(directory, '.git/objects/info/alternates'), `${outside}/.git/objects\n`);
        return directory;
      },
    ],
    [
      'by objects that link out',
      () => {
        const { directory } = repositoryAt(at('linked'));
        renameSync(path.join(directory, '.git/objects'), path.join(directory, '.git/old'));
        symlinkSync(path.join(outside, '.git/objects'), path.join(directory, '.git/objects'));
        return directory;
      },
    ],
  ])('%s', async (_how, place) => {
    await expect(open(place())).rejects.toMatchObject({ code: 'repository_refused' });
  });

  test('when no root is allowed', async () => {
    const allow = { local_roots: [], hosts: [] };
    await expect(open(source.directory, { allow })).rejects.toMatchObject({ code: 'repository_refused' });
  });
});

test('a linked work tree inside the roots is read', async () => {
  source.git('worktree', 'add', '-q', path.join(repositories, 'tree2'), 'v1');
  const repository = await open(path.join(repositories, 'tree2'));
  expect(repository.commit).toBe(first);
  await repository.close();
});

test('settings and hooks of a repository do nothing', async () => {
  const hostile = repositoryAt(path.join(repositories, 'hostile #1?'));
  const base = hostile.commit({ '.gitattributes': '* filter=x diff=x\n', 'a.txt': 'a\n' });
  const head = hostile.commit({ 'a.txt': 'b\n' });
  const trap = path.join(root, 'trap');
  for (const key of [
    'core.fsmonitor',
    'core.sshCommand',
    'diff.x.textconv',
    'diff.x.command',
    'diff.external',
  ]) {
    hostile.git('config', key, `touch '${trap}'; cat`);
  }
  for (const key of [
    'filter.x.smudge',
    'core.alternateRefsCommand',
    'uploadpack.packObjectsHook',
    'core.pager',
  ]) {
    hostile.git('config', key, `touch '${trap}'; cat`);
  }
  for (const hook of ['post-checkout', 'reference-transaction', 'pre-auto-gc']) {
    writeFileSync(path.join(hostile.directory, '.git/hooks', hook), `#!/bin/sh\ntouch '${trap}'\n`, {
      mode: 0o755,
    });
  }
  const repository = await open(hostile.directory, { more_refs: [base], depth: null });
  const changes = await repository.changesBetween(base, head);
  expect(changes.files).toMatchObject([{ path: 'a.txt', added_lines: [1] }]);
  await repository.exportTo(path.join(root, 'hostile-export'));
  await repository.close();
  expect(existsSync(trap)).toBe(false);
});

test('a repository that is too large is refused', async () => {
  const limits = { ...LIMITS, total_bytes: 1_000 };
  await expect(open(source.directory, { limits })).rejects.toMatchObject({ code: 'limit_exceeded' });
});

test('more files than allowed are cut off, and that is said', async () => {
  const repository = await open(source.directory, { limits: { ...LIMITS, files: 2 } });
  expect([repository.tree.map((file) => file.path), repository.truncated]).toEqual([
    ['a.txt', 'bin.dat'],
    true,
  ]);
  await repository.close();
});

test('paths that no file may have are left out and counted', async () => {
  const forged = repositoryAt(path.join(repositories, 'forged'));
  forged.commit({ 'a.txt': 'a' });
  const blob = forged.git('rev-parse', 'HEAD:a.txt');
  const hook = Buffer.concat([Buffer.from('100644 evil\0'), Buffer.from(blob, 'hex')]);
  const inner = forged.object('tree', hook);
  const tree = forged.object(
    'tree',
    treeOf([
      ['40000', '.git', inner],
      ['100644', 'a.txt', blob],
      ['100644', '..', blob],
    ]),
  );
  const commit = forged.object(
    'commit',
    Buffer.from(`tree ${tree}\nauthor a <a> 0 +0000\ncommitter a <a> 0 +0000\n\nx\n`),
  );
  forged.git('update-ref', 'refs/heads/forged', commit);
  const repository = await open(forged.directory, { ref: 'forged' });
  expect([repository.tree.map((file) => file.path), repository.refused_paths]).toEqual([['a.txt'], 2]);
  await repository.close();
});

function treeOf(entries: readonly (readonly [string, string, string])[]): Buffer {
  return Buffer.concat(
    entries.map(([mode, name, id]) =>
      Buffer.concat([Buffer.from(`${mode} ${name}\0`), Buffer.from(id, 'hex')]),
    ),
  );
}

test('an aborted opening ends with the reason and leaves nothing', async () => {
  const reason = new Error('enough');
  await expect(open(source.directory, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  const controller = new AbortController();
  const opening = open(source.directory, { signal: controller.signal });
  controller.abort(reason);
  await expect(opening).rejects.toBe(reason);
});

test('the workspace of a process that was killed is removed by the next sweep, and no other', async () => {
  const repository = await open(source.directory);
  mkdirSync(path.join(work_root, 'orchestrator-git-999999999-1-abc'));
  mkdirSync(path.join(work_root, `orchestrator-git-${process.pid}-1-abc`));
  expect(await sweepWorkspaces(work_root)).toBe(2);
  expect(workspacesIn(work_root)).toHaveLength(1);
  expect(await repository.readFile('a.txt')).toMatchObject({ text: 'two\n' });
  await repository.close();
});
