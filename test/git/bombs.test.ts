import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { openRepository } from '../../src/clients/git/open-repository.ts';
import { LIMITS, repositoryAt, scratch } from './scratch.ts';

const root = scratch();

/** Ten levels of ten folders, all the same: eleven objects that are ten thousand million files. */
function bomb() {
  const source = repositoryAt(path.join(root, 'bomb'));
  const base = source.commit({ a: 'x' });
  let [mode, id] = ['100644', source.git('rev-parse', 'HEAD:a')];
  for (let level = 0; level < 10; level += 1) {
    const entry = (name: string) => Buffer.concat([Buffer.from(`${mode} ${name}\0`), Buffer.from(id, 'hex')]);
    id = source.object('tree', Buffer.concat(Array.from({ length: 10 }, (_, i) => entry(`f${i}`))));
    mode = '40000';
  }
  const text = `tree ${id}\nparent ${base}\nauthor a <a> 0 +0000\ncommitter a <a> 0 +0000\n\nx\n`;
  const head = source.object('commit', Buffer.from(text));
  source.git('update-ref', 'refs/heads/bomb', head);
  return { source, base, head };
}

const open = (repository: string, ref: string, more_refs: string[] = [], time_ms = 30_000) =>
  openRepository({
    repository,
    ref,
    more_refs,
    depth: null,
    limits: { ...LIMITS, time_ms },
    allow: { local_roots: [root], hosts: [] },
  });

test('a tree that unfolds without end is cut, is not written out, and does not eat the machine', async () => {
  const { source, base, head } = bomb();
  const repository = await open(source.directory, 'bomb', [base]);
  expect([repository.tree.length, repository.truncated]).toEqual([LIMITS.files, true]);
  await expect(repository.exportTo(path.join(root, 'out'))).rejects.toMatchObject({ code: 'limit_exceeded' });
  await repository.close();
  // Git gathers all of it before it says anything; its memory, or its time, ends that.
  const brief = await open(source.directory, 'bomb', [base], 8_000);
  await expect(brief.changesBetween(base, head)).rejects.toMatchObject({
    code: expect.stringMatching(/^(repository_invalid|timeout)$/) as string,
  });
  await brief.close();
});

test('a file of zeros that is small when packed is not read', async () => {
  const source = repositoryAt(path.join(root, 'zeros'));
  source.commit({ zeros: Buffer.alloc(LIMITS.file_bytes * 30), noise: randomBytes(10) });
  const repository = await open(source.directory, 'main');
  expect(await repository.readFile('zeros')).toMatchObject({
    kind: 'too_large',
    size_bytes: LIMITS.file_bytes * 30,
  });
  await repository.close();
});
