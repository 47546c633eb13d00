import type { TagRuleService } from '../../domain/tags-rules.ts';
import { decodeCursor, pageReply } from '../cursor.ts';
import { route, type Route } from '../route.ts';
import { page, rowText } from '../schemas/conventions.ts';
import { listRulesQuery, ruleBody, ruleParams, ruleView } from '../schemas/tags-rules.ts';
import { callerOf } from './tags-views.ts';

interface Deps {
  tag_rules: TagRuleService;
}

const group = 'tags';
const role = 'maintainer';
const here = { description: 'The rule.', schema: ruleView };

/** Rules that protect tags by their names. */
export const tagRuleRoutes = (deps: Deps): Route[] => [...reads(deps), ...writes(deps)];

const reads = ({ tag_rules }: Deps) => [
  route({
    method: 'get',
    path: '/tag-rules',
    group,
    summary: 'The rules that protect tags, by pattern.',
    query: listRulesQuery,
    responses: { 200: { description: 'One page.', schema: page(ruleView) } },
    async handler({ query: { limit, cursor }, project_id }) {
      const after = decodeCursor(cursor, { pattern: rowText })?.pattern;
      return pageReply(await tag_rules.list(project_id, { after, limit }), (pattern) => ({ pattern }));
    },
  }),
  route({
    method: 'get',
    path: '/tag-rules/:id',
    group,
    summary: 'A rule.',
    params: ruleParams,
    responses: { 200: here },
    handler: async ({ params, project_id }) => ({
      status: 200,
      body: await tag_rules.get(project_id, params.id),
    }),
  }),
];

const writes = ({ tag_rules }: Deps) => [
  route({
    method: 'post',
    path: '/tag-rules',
    group,
    role,
    summary: 'Protect the tags whose names a pattern means, those to come included.',
    body: ruleBody,
    responses: { 201: { ...here, headers: { Location: 'Where the rule is.' } } },
    async handler(call) {
      const rule = await tag_rules.create(callerOf(call), call.body);
      return { status: 201, body: rule, headers: { Location: `/api/v1/tag-rules/${rule.id}` } };
    },
  }),
  route({
    method: 'put',
    path: '/tag-rules/:id',
    group,
    role,
    summary: 'Replace a rule.',
    params: ruleParams,
    body: ruleBody,
    responses: { 200: here },
    handler: async (call) => ({
      status: 200,
      body: await tag_rules.replace(callerOf(call), call.params.id, call.body),
    }),
  }),
  route({
    method: 'delete',
    path: '/tag-rules/:id',
    group,
    role,
    summary: 'Remove a rule.',
    params: ruleParams,
    responses: { 204: { description: 'It is gone.' } },
    async handler(call) {
      await tag_rules.delete(callerOf(call), call.params.id);
      return { status: 204 };
    },
  }),
];
