import type { ProposalFrame } from '../../contract/refinement.ts';
import type { ProposalService } from '../../domain/ide/proposals.ts';
import type { RunFeed } from '../../domain/run-feed.ts';
import { agePlaceAt, agePlaceOf, pageOf } from '../cursor.ts';
import { type Call, route, type Route } from '../route.ts';
import { page } from '../schemas/conventions.ts';
import {
  idParams,
  listProposalsQuery,
  proposalSummary,
  proposalView,
  proposalWaitQuery,
  refinementBody,
  refinementView,
  resolveBody,
  socketQuery,
  threadParams,
  workflowParams,
  workflowRefinementBody,
} from '../schemas/refinements.ts';
import { leaving } from '../leaving.ts';
import { streamToSocket } from '../sockets/socket-stream.ts';
import { callerOf } from './tags-views.ts';

interface Deps {
  proposals: ProposalService;
  frames: { after(proposal_id: string, seq: number, limit: number): Promise<ProposalFrame[]> };
  feed: RunFeed;
  /** Aborted at shutdown, so that streams end. */
  shutdown: AbortSignal;
}

const group = 'ide';
const BATCH = 200;

/** Changes that are asked for in words, followed while they are worked out, and decided on. */
export const refinementRoutes = (deps: Deps): Route[] => [
  ...askingRoutes(deps),
  ...proposalRoutes(deps),
  ...decisionRoutes(deps),
  socketRoute(deps),
];

function askingRoutes({ proposals }: Deps): Route[] {
  const responses = { 202: { description: 'It is worked out.', schema: refinementView } };
  type Wish = Parameters<ProposalService['refine']>[1];
  const ask = async (call: Call<unknown, unknown, unknown>, wish: Wish) => {
    const { id, thread_id, draft_id, status } = await proposals.refine(callerOf(call), wish);
    const websocket_url = `/api/v1/ws/refinements/${thread_id}`;
    const body = { proposal_id: id, thread_id, draft_id, status, websocket_url };
    return { status: 202, body, headers: { Location: `/api/v1/proposals/${id}` } };
  };
  return [
    route({
      method: 'post',
      path: '/refinements',
      group,
      summary: 'Ask for a change of a workflow, in its draft; a person decides on what comes of it.',
      body: refinementBody,
      responses,
      handler: (call) => ask(call, call.body as Wish),
    }),
    route({
      method: 'post',
      path: '/workflows/:ref/refinements',
      group: 'workflows',
      summary: 'Ask for a change of this workflow.',
      params: workflowParams,
      body: workflowRefinementBody,
      responses,
      handler: (call) => ask(call, { ...(call.body as Omit<Wish, 'workflow'>), workflow: call.params.ref }),
    }),
  ];
}

function proposalRoutes({ proposals, shutdown }: Deps): Route[] {
  return [
    route({
      method: 'get',
      path: '/proposals',
      group,
      summary: 'Proposals, newest first.',
      query: listProposalsQuery,
      responses: { 200: { description: 'One page.', schema: page(proposalSummary) } },
      async handler({ query: { limit, cursor, ...filter }, project_id }) {
        const rows = await proposals.list(project_id, filter, limit + 1, agePlaceAt(cursor));
        return { status: 200, body: pageOf(rows, limit, agePlaceOf) };
      },
    }),
    route({
      method: 'get',
      path: '/proposals/:id',
      group,
      summary:
        'A proposal, what it would change, and whether that is valid; with `wait`, once the work on it is over.',
      params: idParams,
      query: proposalWaitQuery,
      responses: { 200: { description: 'The proposal.', schema: proposalView } },
      async handler({ params: { id }, query: { wait: seconds }, project_id, res }) {
        if (seconds === undefined) return { status: 200, body: await proposals.get(project_id, id) };
        const wait = { seconds, signal: leaving(res, shutdown) };
        return { status: 200, body: await proposals.waitFor(project_id, id, wait) };
      },
    }),
  ];
}

function decisionRoutes({ proposals }: Deps): Route[] {
  const common = {
    method: 'post',
    group,
    params: idParams,
    responses: { 200: { description: 'The proposal.', schema: proposalView } },
  } as const;
  return [
    route({
      ...common,
      path: '/proposals/:id/approve',
      summary: 'Apply a proposal to the draft; the others of the draft are superseded.',
      body: resolveBody,
      handler: async (call) => ({
        status: 200,
        body: await proposals.approve(callerOf(call), call.params.id, call.body?.reason),
      }),
    }),
    route({
      ...common,
      path: '/proposals/:id/reject',
      summary: 'Reject a proposal; the draft stays as it is.',
      body: resolveBody,
      handler: async (call) => ({
        status: 200,
        body: await proposals.reject(callerOf(call), call.params.id, call.body?.reason),
      }),
    }),
    route({
      ...common,
      path: '/proposals/:id/rebase',
      summary: 'Put the same change on the draft as it is now.',
      handler: async (call) => ({
        status: 200,
        body: await proposals.rebase(callerOf(call), call.params.id),
      }),
    }),
  ];
}

function socketRoute({ proposals, frames, feed, shutdown }: Deps): Route {
  return route({
    method: 'get',
    path: '/ws/refinements/:thread_id',
    group: 'streams',
    summary: 'WebSocket: what is heard of a refinement as it comes; resumes after `last_event_id`.',
    params: threadParams,
    query: socketQuery,
    responses: {
      101: { description: 'A WebSocket: a text frame `{"id", "event"}` per event.' },
      426: { description: 'This is no request for a WebSocket.' },
    },
    async handler({ params: { thread_id }, query: { last_event_id = 0 }, project_id, req, res }) {
      const { id } = await proposals.ofThread(project_id, thread_id);
      return streamToSocket({
        req,
        res,
        feed: {
          subscribe: (onNews) => feed.follow(id, () => onNews()),
          async fetchAfter(seq: number) {
            const found = await frames.after(id, seq, BATCH);
            const items = found.map((event) => ({
              id: String(event.seq),
              event,
              is_last: event.type === 'end',
            }));
            return { items, position: found.at(-1)?.seq ?? seq };
          },
        },
        from: last_event_id,
        isOver: async () => (await proposals.ofThread(project_id, thread_id)).status !== 'processing',
        signal: shutdown,
      });
    },
  });
}
