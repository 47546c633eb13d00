import { OTHER_PROJECT_ID, type TestAnswer } from '../../../src/api/app-fixture.ts';
import { definitionOf } from '../../support/store.ts';
import { type StoreApi, storeApi } from '../../support/store-api.ts';

export interface Fields {
  [name: string]: unknown;
  id: string;
  tag_version: number;
  version_hash: string;
  items: Fields[];
  next_cursor: string | null;
  errors: { path: string; message: string }[];
}

export interface PatchesApi extends StoreApi {
  /** A tag with a definition of empty `params` and the patches on it; answers their ids. */
  chain(tag: string, ...patches: unknown[][]): Promise<string[]>;
  /** The definition that a tag points at. */
  definition(tag: string): Promise<{ params: Record<string, unknown> }>;
}

/** The store's routes with a viewer, an editor, and an owner of another project. */
export async function patchesApi(): Promise<PatchesApi> {
  const opened = await storeApi({
    viewer: { role: 'viewer' },
    editor: { role: 'editor' },
    stranger: { role: 'owner', projects: [OTHER_PROJECT_ID] },
  });
  const { call } = opened;
  return {
    ...opened,
    async chain(tag, ...patches) {
      const workflow = { ...definitionOf(1), params: {} };
      expect((await call('POST', '/workflows', { tag_name: tag, workflow })).status).toBe(201);
      const ids: string[] = [];
      for (const operations of patches) {
        const made = await call('POST', '/patches', { tag, operations });
        expect(made.status).toBe(201);
        ids.push(fields(made).id);
      }
      return ids;
    },
    definition: async (tag) => {
      const answer = await call('GET', `/workflows/${encodeURIComponent(tag)}?materialize=true`);
      return fields(answer).definition as { params: Record<string, unknown> };
    },
  };
}

export const fields = (answer: TestAnswer) => answer.json<Fields>();
export const problem = (answer: TestAnswer) => `${answer.status} ${answer.json().code}`;
export const add = (name: string, value: unknown) => [{ op: 'add', path: `/params/${name}`, value }];
export const AS_PATCH = { headers: { 'content-type': 'application/json-patch+json' } };
