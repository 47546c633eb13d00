import { at, fields, problem, type TagsApi, tagsApi } from './tags-api.ts';

let opened: TagsApi;
beforeAll(async () => {
  opened = await tagsApi();
});
afterAll(() => opened?.close());

const call: TagsApi['call'] = (...request) => opened.call(...request);
const target: TagsApi['target'] = (n) => opened.target(n);

describe('as_of', () => {
  it('says what a tag pointed at, who moved it and why; 404 before and after its life', async () => {
    const name = 'then/tag';
    const read = (as_of: unknown) => call('GET', `${at(name)}?as_of=${encodeURIComponent(String(as_of))}`);
    await call('PUT', at(name), { ...target(0), reason: 'first' });
    const { moved_at: first } = fields(await call('GET', at(name)));
    // Two moves within one millisecond could not be told apart.
    await nextMillisecond();
    await call('POST', `${at(name)}/move`, { ...target(1), reason: 'second' }, { as: 'editor' });
    const { moved_at: second } = fields(await call('GET', at(name)));
    await nextMillisecond();
    await call('DELETE', at(name));
    const [{ moved_at: gone } = { moved_at: '' }] = fields(await call('GET', `${at(name)}/history`)).items;

    expect(fields(await read(first))).toEqual({
      name,
      target_kind: 'dag_version',
      target_id: opened.versions[0]!.id,
      target_hash: opened.versions[0]!.hash,
      version: 1,
      seq: 1,
      type: 'create',
      reverses_seq: null,
      moved_by: 'token:test',
      moved_at: first,
      reason: 'first',
      break_glass: false,
    });
    expect(fields(await read(second))).toMatchObject({ seq: 2, reason: 'second', moved_by: 'token:editor' });
    const before = new Date(Date.parse(String(first)) - 1).toISOString();
    for (const moment of [before, gone, '2099-01-01T00:00:00Z', '0001-01-01T00:00:00Z'])
      expect([moment, problem(await read(moment))]).toEqual([moment, '404 not_found']);
    expect(fields(await read(String(second).replace('Z', '+00:00'))).seq).toBe(2);
  });

  async function nextMillisecond(): Promise<void> {
    const sql = `SELECT date_trunc('milliseconds', clock_timestamp()) AS now`;
    const clock = async () => (await opened.database.pool.query<{ now: Date }>(sql)).rows[0]!.now.getTime();
    const before = await clock();
    while ((await clock()) === before);
  }
});
