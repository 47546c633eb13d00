import type { PatchService } from '../../domain/patches.ts';
import type { Reply } from '../route.ts';
import { etagOf, expectationOf } from './tags-views.ts';

type Made = Awaited<ReturnType<PatchService['create']>>;
type Stored = Awaited<ReturnType<PatchService['get']>>;
type Preview = Awaited<ReturnType<PatchService['preview']>>;

interface Write {
  if_match: number | undefined;
  body: { tag: string; message?: string; expected_version?: number | null; break_glass?: boolean };
}

/** What every write of a patch says about itself. */
export function patchWriteOf(call: Write) {
  const { tag, message, break_glass } = call.body;
  return { tag, message, break_glass, expectation: expectationOf(call) };
}

/** The head after a patch: 201 when it is a new one. */
export function patchReply({ changed, head }: Made): Reply {
  return { status: changed ? 201 : 200, body: patchViewOf(head), headers: etagOf(head.tag_version) };
}

export function previewReply(preview: Preview): Reply {
  return { status: 200, body: { dry_run: true, ...preview }, headers: etagOf(preview.tag_version) };
}

export function patchViewOf(patch: Stored | Made['head']) {
  const { id, kind, tag, tag_version, base_version, parents, depth, op_count, reverts_id, cas_id } = patch;
  const { version_hash, message, created_by, created_at } = patch;
  const place = { base_version, parent_id: parents[0] ?? null, depth, op_count, reverts_id };
  return { id, kind, tag, tag_version, ...place, cas_id, version_hash, message, created_by, created_at };
}
