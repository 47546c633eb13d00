import type { Caller } from '../../domain/refs.ts';
import type { Expectation } from '../../domain/rules/tag-move.ts';
import type { TagRequest, TagService } from '../../domain/tags.ts';
import { decodeCursor } from '../cursor.ts';
import type { Principal } from '../../contract/principal.ts';
import type { Reply } from '../route.ts';
import { rowNumber } from '../schemas/conventions.ts';

type Tag = Awaited<ReturnType<TagService['get']>>;

interface Origin {
  project_id: string;
  principal: Principal;
}

export const callerOf = ({ project_id, principal }: Origin): Caller => ({
  project_id,
  actor: principal.id,
  role: principal.role,
  permissions: principal.permissions,
});

/** What a write expects: the header, and for unprotected tags the body. */
export function expectationOf(call: {
  if_match: number | undefined;
  body?: { expected_version?: number | null };
}): Expectation {
  return { if_match: call.if_match, expected: call.body?.expected_version };
}

interface Write {
  if_match: number | undefined;
  body: { expected_version?: number | null; reason?: string; break_glass?: boolean };
}

/** What every write to a tag says about itself. */
export function tagRequestOf(call: Write): TagRequest {
  const { reason, break_glass } = call.body;
  return { reason, break_glass, expectation: expectationOf(call) };
}

/** The ETag of a tag; none for what has no version. */
export const etagOf = (version: number | null): Record<string, string> =>
  version === null ? {} : { ETag: `"${version}"` };

export function tagReply(tag: Tag, status = 200): Reply {
  const { cursor_seq: _cursor, ...view } = tag;
  return { status, body: view, headers: etagOf(tag.version) };
}

/** A place in a numbered list. Throws `validation_failed` unless the cursor is one of that list. */
export const numberAt = (cursor: string | undefined, key: string): number | undefined =>
  decodeCursor(cursor, { [key]: rowNumber })?.[key];
