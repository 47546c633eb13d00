import type { MergeService } from '../../domain/merges.ts';
import { PROBLEM_MEDIA_TYPE } from '../error-handler.ts';
import { route, type Route } from '../route.ts';
import { mergeBody, mergeProblem, mergeView } from '../schemas/merge.ts';
import { versionHeader } from '../schemas/tags.ts';
import { callerOf, etagOf, expectationOf } from './tags-views.ts';

/** Bringing two versions together. */
export function mergeRoutes({ merges }: { merges: MergeService }): Route[] {
  const merge = route({
    method: 'post',
    path: '/merge',
    group: 'store',
    summary: 'Merge two versions on their common ancestor.',
    body: mergeBody,
    responses: {
      200: { description: 'The version that has both sides.', schema: mergeView, headers: versionHeader },
      409: {
        description: '`merge_conflict` with every conflict, or another state that does not allow it.',
        schema: mergeProblem,
        media_type: PROBLEM_MEDIA_TYPE,
      },
      410: { description: 'A version that is needed was collected.' },
    },
    async handler(call) {
      const { expected_version: _expected, ...request } = call.body;
      const done = await merges.merge(callerOf(call), { ...request, expectation: expectationOf(call) });
      const { outcome: merged, moved: _moved, ...result } = done;
      return { status: 200, body: { merged, ...result, conflicts: [] }, headers: etagOf(done.tag_version) };
    },
  });
  return [merge];
}
