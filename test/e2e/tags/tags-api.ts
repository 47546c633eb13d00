import type { TestAnswer } from '../../../src/api/app-fixture.ts';
import { OTHER_PROJECT_ID } from '../../../src/api/app-fixture.ts';
import { definitionOf } from '../../support/store.ts';
import { type StoreApi, storeApi } from '../../support/store-api.ts';

export interface Fields {
  [name: string]: unknown;
  items: Fields[];
  next_cursor: string | null;
  errors: { path: string }[];
}

export interface TagsApi extends StoreApi {
  /** Three versions, each the target of a tag `source-<n>`. */
  versions: { id: string; hash: string }[];
  target(n: number): { target: string };
  /** Makes a tag at version 2, of two positions; `approver` approves both where a rule asks for it. */
  movedTag(name: string, approver?: string): Promise<void>;
}

/** The tag routes with people of every role, and rules: `<workflow>/production` needs a maintainer, `<workflow>/approved` an approval, too. */
export async function tagsApi(): Promise<TagsApi> {
  const opened = await storeApi({
    viewer: { role: 'viewer' },
    editor: { role: 'editor' },
    operator: { role: 'operator' },
    maintainer: { role: 'maintainer' },
    second: { role: 'maintainer' },
    fireman: { role: 'editor', permissions: ['tag:break_glass'] },
    stranger: { role: 'owner', projects: [OTHER_PROJECT_ID] },
  });
  const { call } = opened;
  const versions = await Promise.all([0, 1, 2].map((n) => saveVersion(call, n)));
  const target = (n: number) => ({ target: versions[n]!.id });
  for (const [pattern, approvals] of [
    ['*/production', 0],
    ['*/approved', 1],
  ] as const)
    await call('POST', '/tag-rules', { pattern, role: 'maintainer', approvals });
  return {
    ...opened,
    versions,
    target,
    async movedTag(name, approver) {
      for (const n of [0, 1]) {
        if (approver) await call('POST', `${at(name)}/approvals`, target(n), { as: approver });
        const answer = await call('PUT', at(name), target(n), n === 0 ? {} : { if_match: n });
        expect(answer.status).toBeLessThan(300);
      }
    },
  };
}

async function saveVersion(call: StoreApi['call'], n: number) {
  const body = { tag_name: `source-${n}`, workflow: definitionOf(n) };
  const saved = fields(await call('POST', '/workflows', body));
  return { id: String(saved.artifact_id), hash: String(saved.version_hash) };
}

export const fields = (answer: TestAnswer) => answer.json<Fields>();
export const problem = (answer: TestAnswer) => `${answer.status} ${answer.json().code}`;
/** The path of a tag. */
export const at = (name: string) => `/tags/${encodeURIComponent(name)}`;
