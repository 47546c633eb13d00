import type { ApprovalService } from '../../domain/tags-approvals.ts';
import { decodeCursor, pageReply } from '../cursor.ts';
import { route, type Route } from '../route.ts';
import { page, rowNumber, rowText, uuid } from '../schemas/conventions.ts';
import { tagParams } from '../schemas/tags.ts';
import { approvalBody, approvalView, listApprovalsQuery } from '../schemas/tags-rules.ts';
import { callerOf, expectationOf } from './tags-views.ts';

interface Deps {
  approvals: ApprovalService;
}

const group = 'tags';
const path = '/tags/:name/approvals';

/** Approvals of changes of tags; a rule says how many a change needs. */
export function tagApprovalRoutes({ approvals }: Deps): Route[] {
  return [
    route({
      method: 'post',
      path,
      group,
      summary: 'Approve one change: away from the version the tag has now, to this target.',
      params: tagParams,
      body: approvalBody,
      responses: {
        200: { description: 'Approved before.', schema: approvalView },
        201: { description: 'The approval.', schema: approvalView },
      },
      async handler(call) {
        const { target, comment } = call.body;
        const request = { target, comment, expectation: expectationOf(call) };
        const { created, approval } = await approvals.approve(callerOf(call), call.params.name, request);
        return { status: created ? 201 : 200, body: { tag: call.params.name, ...approval } };
      },
    }),
    route({
      method: 'get',
      path,
      group,
      summary: 'Approvals of a tag, newest version first; those of changes that were made stay.',
      params: tagParams,
      query: listApprovalsQuery,
      responses: { 200: { description: 'One page.', schema: page(approvalView) } },
      async handler({ params: { name }, query: { limit, cursor, tag_version: version }, project_id }) {
        const after = placeAt(cursor);
        const found = await approvals.list({ project_id, name, version }, { after, limit });
        return pageReply(found, positionOf, (approval) => ({ tag: name, ...approval }));
      },
    }),
    route({
      method: 'delete',
      path,
      group,
      summary: 'Take back what the caller has approved on the tag as it is now.',
      params: tagParams,
      responses: { 204: { description: 'It is gone.' } },
      async handler(call) {
        await approvals.withdraw(callerOf(call), call.params.name);
        return { status: 204 };
      },
    }),
  ];
}

type Place = NonNullable<Parameters<ApprovalService['list']>[1]['after']>;

const positionOf = ({ tag_version, target_id, approved_by }: Place) => ({
  tag_version,
  target_id,
  approved_by,
});

function placeAt(cursor: string | undefined): Place | undefined {
  return decodeCursor(cursor, {
    tag_version: rowNumber,
    target_id: uuid.nullable(),
    approved_by: rowText,
  });
}
