import { z } from 'zod';
import {
  type CodeHost,
  CodeHostFailure,
  type CommentPlace,
  type HostCall,
  type HostComment,
  type PullRequest,
} from '../../contract/code-host.ts';
import type { GuardedFetch } from '../http/guarded-fetch.ts';
import { githubThreads } from './github-threads.ts';
import { hostHttp, type HostHttpOptions, readAnswer } from './host-http.ts';
import { viewerOf } from './viewer.ts';

export interface CodeHostOptions extends Pick<HostHttpOptions, 'max_wait_ms' | 'first_retry_ms'> {
  fetch: GuardedFetch;
  /** Of the API: `https://api.github.com`, `https://<host>/api/v3`, `https://gitlab.com/api/v4`… */
  base_url: string;
  /** `owner/name`, or the full path of a GitLab project. */
  repository: string;
  token: string;
}

const REPOSITORY = /^(?!\.)[A-Za-z0-9_.-]{1,100}\/(?!\.{1,2}$)[A-Za-z0-9_.-]{1,100}$/;
const PAGE_SIZE = 100;
const MAX_PAGES = 100;

const userSchema = z.object({ login: z.string() });
const pullSchema = z.object({
  number: z.int(),
  title: z.string(),
  body: z.string().nullable(),
  state: z.enum(['open', 'closed']),
  merged: z.boolean().optional(),
  draft: z.boolean().optional(),
  user: userSchema.nullable(),
  html_url: z.string(),
  base: z.object({ ref: z.string(), sha: z.string() }),
  head: z.object({ ref: z.string(), sha: z.string() }),
});
const commentSchema = z.object({
  id: z.int(),
  body: z.string().default(''),
  user: userSchema.nullable(),
  html_url: z.string(),
  in_reply_to_id: z.int().optional(),
});
type Comment = z.output<typeof commentSchema>;

/**
 * A repository of GitHub, or of a host with its API. A remark on a line is a review comment, the summary is a comment
 * of the conversation. Threads are resolved through GraphQL where that is to be had.
 */
export function githubHost(options: CodeHostOptions): CodeHost {
  if (!REPOSITORY.test(options.repository))
    throw new CodeHostFailure('rejected', 'A repository is owner/name.');
  const http = hostHttp({ ...options, headers: headersFor(options.token) });
  const root = `/repos/${options.repository}`;
  const threads = githubThreads({ ...options, headers: headersFor(options.token) });
  const whoAmI = viewerOf(http, (json) => readAnswer(userSchema, json).login);
  async function list(path: string, call?: HostCall): Promise<Comment[]> {
    const found: Comment[] = [];
    for (let page = 1; page <= MAX_PAGES; page += 1) {
      const { json, headers } = await http(
        { method: 'GET', path, query: { per_page: PAGE_SIZE, page } },
        call,
      );
      found.push(...readAnswer(z.array(commentSchema), json));
      if (!/rel="next"/.test(headers.link ?? '')) break;
    }
    return found;
  }
  const hostComment = (comment: Comment, kind: 'line' | 'summary', login: string | null): HostComment => ({
    id: String(comment.id),
    thread_id: kind === 'line' ? String(comment.id) : null,
    body: comment.body,
    own: login === null || comment.user?.login === login,
    url: comment.html_url,
  });

  return {
    async pullRequest(number, call) {
      const { json } = await http({ method: 'GET', path: `${root}/pulls/${number}` }, call);
      return pullOf(readAnswer(pullSchema, json));
    },
    async comments({ number }, call) {
      const login = await whoAmI(call);
      const lines = await list(`${root}/pulls/${number}/comments`, call);
      const summaries = await list(`${root}/issues/${number}/comments`, call);
      return [
        ...lines
          .filter((comment) => comment.in_reply_to_id === undefined)
          .map((comment) => hostComment(comment, 'line', login)),
        ...summaries.map((comment) => hostComment(comment, 'summary', login)),
      ];
    },
    async post(pull, { body, place }, call) {
      const path = place ? `${root}/pulls/${pull.number}/comments` : `${root}/issues/${pull.number}/comments`;
      const { json } = await http({ method: 'POST', path, body: { body, ...lineOf(pull, place) } }, call);
      return hostComment(readAnswer(commentSchema, json), place ? 'line' : 'summary', null);
    },
    async update(_pull, { id, thread_id }, body, call) {
      const path = `${root}/${thread_id === null ? 'issues' : 'pulls'}/comments/${id}`;
      await http({ method: 'PATCH', path, body: { body } }, call);
    },
    resolve: (pull, comment, resolved, call) =>
      comment.thread_id === null
        ? Promise.resolve(false)
        : threads.resolve({ number: pull.number, comment_id: Number(comment.id), resolved }, call),
  };
}

const headersFor = (token: string) => ({
  accept: 'application/vnd.github+json',
  authorization: `Bearer ${token}`,
  'x-github-api-version': '2022-11-28',
  'user-agent': 'orchestrator',
});

function lineOf(pull: PullRequest, place: CommentPlace | null) {
  return place ? { commit_id: pull.head.commit, path: place.path, line: place.line, side: 'RIGHT' } : {};
}

function pullOf(pull: z.output<typeof pullSchema>): PullRequest {
  return {
    number: pull.number,
    title: pull.title,
    description: pull.body ?? '',
    state: pull.merged === true ? 'merged' : pull.state,
    draft: pull.draft ?? false,
    author: pull.user?.login ?? '',
    url: pull.html_url,
    base: { ref: pull.base.ref, commit: pull.base.sha },
    head: { ref: pull.head.ref, commit: pull.head.sha },
    start_commit: pull.base.sha,
  };
}
