import { at, type Fields, fields, type TagsApi, tagsApi } from './tags-api.ts';

let opened: TagsApi;
beforeAll(async () => {
  opened = await tagsApi();
});
afterAll(() => opened?.close());

const call: TagsApi['call'] = (...request) => opened.call(...request);
const target: TagsApi['target'] = (n) => opened.target(n);

async function pages(path: string, between: (page: number) => Promise<unknown>): Promise<Fields[]> {
  const items: Fields[] = [];
  let cursor: string | null = '';
  for (let page = 1; cursor !== null; page++) {
    const answer: Fields = fields(await call('GET', `${path}${cursor && `&cursor=${cursor}`}`));
    items.push(...answer.items);
    cursor = answer.next_cursor;
    await between(page);
  }
  return items;
}

describe('every list pages to the end without repeat or gap while rows are added', () => {
  const put = (name: string, n: number) => call('PUT', at(name), target(n));
  const unique = (values: unknown[]) => expect(new Set(values).size).toBe(values.length);

  it('tags', async () => {
    const names = Array.from({ length: 11 }, (_, i) => `page/${String.fromCharCode(97 + i)}`);
    for (const name of names) await put(name, 0);
    const seen = (await pages('/tags?prefix=page/&limit=3', (n) => put(`page/e${n}`, 0))).map(
      (tag) => tag.name,
    );
    unique(seen);
    expect(seen).toEqual(expect.arrayContaining(names));
  });

  it('history', async () => {
    for (let i = 0; i < 11; i++) await put('page-history', i % 2);
    const seen = await pages(`/tags/page-history/history?limit=3`, (n) =>
      put('page-history', n % 2 === 0 ? 2 : 1),
    );
    expect(seen.map((entry) => entry.seq)).toEqual([11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1]);
  });

  it('rules', async () => {
    const rule = (pattern: string) => call('POST', '/tag-rules', { pattern, role: 'editor' });
    const patterns = Array.from({ length: 9 }, (_, i) => `page-rule-${String.fromCharCode(97 + i)}/*`);
    for (const pattern of patterns) await rule(pattern);
    const seen = (await pages('/tag-rules?limit=4', (n) => rule(`page-rule-c${n}`))).map(
      (row) => row.pattern,
    );
    unique(seen);
    expect(seen).toEqual(expect.arrayContaining(patterns));
  });

  it('approvals', async () => {
    const people = ['maintainer', 'second', 'operator', 'editor', 'fireman'];
    const approve = (as: string, n: number | null) =>
      call('POST', '/tags/page-approved/approvals', n === null ? { target: null } : target(n), { as });
    await put('page-approved', 0);
    for (const as of people) for (const n of [null, 1, 2]) await approve(as, n);
    const path = '/tags/page-approved/approvals?limit=4';
    const seen = await pages(path, (n) => (n === 2 ? put('page-approved', 1) : approve(people[n]!, 0)));
    const keys = seen.map((row) => `${String(row.approved_by)} ${String(row.target_id)}`);
    unique(keys);
    for (const as of people)
      for (const id of [null, opened.versions[1]!.id, opened.versions[2]!.id])
        expect(keys).toContain(`token:${as} ${id}`);
  });
});
