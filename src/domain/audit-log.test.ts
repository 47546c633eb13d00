import type { AuditNote } from '../contract/audit.ts';
import { auditLog } from './audit-log.ts';

const note = (request_id: string) => ({ request_id }) as AuditNote;

/** Statements that end when the test says so. */
function heldRows() {
  const batches: { ids: string[]; end: (error?: Error) => void }[] = [];
  return {
    batches,
    append: (notes: readonly AuditNote[]) =>
      new Promise<void>((resolve, reject) => {
        const ids = notes.map(({ request_id }) => request_id);
        batches.push({ ids, end: (error) => (error ? reject(error) : resolve()) });
      }),
  };
}
const settled = () => new Promise((resolve) => setImmediate(resolve));

test('the first note goes at once; those that come meanwhile go together after it, in order', async () => {
  const rows = heldRows();
  const log = auditLog({ rows, ids: () => '' });
  const kept: string[] = [];
  for (const id of ['a', 'b', 'c']) void log.append(note(id)).then(() => kept.push(id));
  expect(rows.batches.map(({ ids }) => ids)).toEqual([['a']]);
  rows.batches[0]!.end();
  await settled();
  expect(kept).toEqual(['a']);
  expect(rows.batches.map(({ ids }) => ids)).toEqual([['a'], ['b', 'c']]);
  rows.batches[1]!.end();
  await settled();
  expect(kept).toEqual(['a', 'b', 'c']);
  void log.append(note('d'));
  expect(rows.batches.at(-1)!.ids).toEqual(['d']);
});

test('a statement that fails refuses all in it and nobody else', async () => {
  const rows = heldRows();
  const log = auditLog({ rows, ids: () => '' });
  const results = Promise.allSettled(['a', 'b', 'c'].map((id) => log.append(note(id))));
  rows.batches[0]!.end();
  await settled();
  rows.batches[1]!.end(new Error('gone'));
  await settled();
  expect((await results).map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected']);
  const next = log.append(note('d'));
  rows.batches[2]!.end();
  await expect(next).resolves.toBeUndefined();
});

test('notes that nobody takes are refused beyond a number, and the rest goes in statements of bounded size', async () => {
  const rows = heldRows();
  const log = auditLog({ rows, ids: () => '' });
  const first = log.append(note('first'));
  const waiting = Array.from({ length: 20_000 }, (_, i) => log.append(note(String(i))));
  await expect(log.append(note('one too many'))).rejects.toMatchObject({ code: 'audit_unavailable' });
  for (let at = 0; at < rows.batches.length; at++) {
    rows.batches[at]!.end();
    await settled();
  }
  await Promise.all([first, ...waiting]);
  expect(Math.max(...rows.batches.map(({ ids }) => ids.length))).toBe(500);
  expect(rows.batches.flatMap(({ ids }) => ids)).toHaveLength(20_001);
});
