import { OTHER_PROJECT_ID, PROJECT_ID } from '../../../src/api/app-fixture.ts';
import { definitionOf } from '../../support/store.ts';
import { fields, problem, type TagsApi, tagsApi } from './tags-api.ts';

let opened: TagsApi;
beforeAll(async () => {
  opened = await tagsApi();
});
afterAll(() => opened?.close());

const call: TagsApi['call'] = (...request) => opened.call(...request);

describe('a token that is limited to projects', () => {
  it('has the first of them as its default and finds no other', async () => {
    const as = 'stranger';
    expect(problem(await call('GET', `/tags/source-0?project_id=${PROJECT_ID}`, undefined, { as }))).toBe(
      '404 not_found',
    );
    expect(problem(await call('GET', '/tags/source-0', undefined, { as }))).toBe('404 not_found');
    const body = { tag_name: 'mine', workflow: definitionOf(1) };
    expect(fields(await call('POST', '/workflows', body, { as })).project_id).toBe(OTHER_PROJECT_ID);
    expect((await call('GET', '/tags/mine')).status).toBe(404);
    expect(
      (await call('GET', '/tags/mine', undefined, { headers: { 'x-project-id': OTHER_PROJECT_ID } })).status,
    ).toBe(200);
  });
});
