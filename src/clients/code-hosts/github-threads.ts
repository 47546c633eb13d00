import { z } from 'zod';
import { CodeHostFailure, type HostCall } from '../../contract/code-host.ts';
import { hostHttp, type HostHttpOptions, readAnswer } from './host-http.ts';

export interface ThreadOptions extends HostHttpOptions {
  repository: string;
}

const THREADS = `query($owner: String!, $name: String!, $number: Int!, $after: String) {
  repository(owner: $owner, name: $name) { pullRequest(number: $number) {
    reviewThreads(first: 100, after: $after) {
      pageInfo { hasNextPage endCursor }
      nodes { id isResolved comments(first: 1) { nodes { databaseId } } }
    } } } }`;
const RESOLVE =
  'mutation($id: ID!) { resolveReviewThread(input: { threadId: $id }) { thread { isResolved } } }';
const UNRESOLVE =
  'mutation($id: ID!) { unresolveReviewThread(input: { threadId: $id }) { thread { isResolved } } }';
const MAX_PAGES = 50;

const threadsSchema = z.object({
  repository: z.object({
    pullRequest: z.object({
      reviewThreads: z.object({
        pageInfo: z.object({ hasNextPage: z.boolean(), endCursor: z.string().nullable() }),
        nodes: z.array(
          z.object({
            id: z.string(),
            isResolved: z.boolean(),
            comments: z.object({ nodes: z.array(z.object({ databaseId: z.int().nullable() })) }),
          }),
        ),
      }),
    }),
  }),
});

type Threads = z.output<typeof threadsSchema>;

/** The threads of review comments, which the REST API does not show. */
export function githubThreads(options: ThreadOptions) {
  const http = hostHttp({ ...options, base_url: graphqlBase(options.base_url) });
  const [owner, name] = options.repository.split('/');

  async function ask(query: string, variables: Record<string, unknown>, call?: HostCall): Promise<unknown> {
    const { json } = await http({ method: 'POST', path: '/graphql', body: { query, variables } }, call);
    const { data, errors } = readAnswer(
      z.object({ data: z.unknown(), errors: z.array(z.unknown()).optional() }),
      json,
    );
    if (errors && errors.length > 0)
      throw new CodeHostFailure('rejected', 'The code host refused a GraphQL query.');
    return data;
  }
  async function threadOf(number: number, comment_id: number, call?: HostCall) {
    let after: string | null = null;
    for (let page = 0; page < MAX_PAGES; page += 1) {
      const data: Threads = readAnswer(
        threadsSchema,
        await ask(THREADS, { owner, name, number, after }, call),
      );
      const { nodes, pageInfo } = data.repository.pullRequest.reviewThreads;
      const thread = nodes.find(({ comments }) => comments.nodes[0]?.databaseId === comment_id);
      if (thread || !pageInfo.hasNextPage) return thread;
      after = pageInfo.endCursor;
    }
    return undefined;
  }
  return {
    /** False when the host has no GraphQL, no such thread, or the account may not resolve it. */
    async resolve(
      { number, comment_id, resolved }: { number: number; comment_id: number; resolved: boolean },
      call?: HostCall,
    ): Promise<boolean> {
      try {
        const thread = await threadOf(number, comment_id, call);
        if (!thread) return false;
        if (thread.isResolved !== resolved)
          await ask(resolved ? RESOLVE : UNRESOLVE, { id: thread.id }, call);
        return true;
      } catch (error) {
        if (error instanceof CodeHostFailure) return false;
        throw error;
      }
    },
  };
}

/** `https://<host>/api/v3` has its GraphQL at `https://<host>/api/graphql`. */
const graphqlBase = (base_url: string): string => base_url.replace(/\/api\/v3$/, '/api');
