import { z } from 'zod';
import {
  type CodeHost,
  CodeHostFailure,
  type CommentPlace,
  type HostCall,
  type HostComment,
  type PullRequest,
} from '../../contract/code-host.ts';
import type { CodeHostOptions } from './github.ts';
import { hostHttp, readAnswer } from './host-http.ts';
import { viewerOf } from './viewer.ts';

const REPOSITORY = /^(?!\.)[A-Za-z0-9_.-]{1,100}(\/(?!\.)[A-Za-z0-9_.-]{1,100}){1,20}$/;
const PAGE_SIZE = 100;
const MAX_PAGES = 100;

const userSchema = z.object({ username: z.string() });
const pullSchema = z.object({
  iid: z.int(),
  title: z.string(),
  description: z.string().nullable(),
  state: z.enum(['opened', 'closed', 'merged', 'locked']),
  draft: z.boolean().default(false),
  author: userSchema,
  web_url: z.string(),
  source_branch: z.string(),
  target_branch: z.string(),
  diff_refs: z.object({ base_sha: z.string(), head_sha: z.string(), start_sha: z.string() }),
});
const noteSchema = z.object({
  id: z.int(),
  body: z.string(),
  author: userSchema,
  system: z.boolean().default(false),
});
const discussionSchema = z.object({
  id: z.string(),
  individual_note: z.boolean(),
  notes: z.array(noteSchema),
});
type Discussion = z.output<typeof discussionSchema>;

/** A project of GitLab. A remark on a line is a discussion that can be resolved, the summary is a note. */
export function gitlabHost(options: CodeHostOptions): CodeHost {
  if (!REPOSITORY.test(options.repository)) throw new CodeHostFailure('rejected', 'A project is group/name.');
  const headers = { 'private-token': options.token, 'user-agent': 'orchestrator' };
  const http = hostHttp({ ...options, headers });
  const root = `/projects/${encodeURIComponent(options.repository)}/merge_requests`;
  const whoAmI = viewerOf(http, (json) => readAnswer(userSchema, json).username);
  async function discussions(number: number, call?: HostCall): Promise<Discussion[]> {
    const found: Discussion[] = [];
    let page = '1';
    for (let count = 0; count < MAX_PAGES && /^\d{1,6}$/.test(page); count += 1) {
      const path = `${root}/${number}/discussions`;
      const answer = await http({ method: 'GET', path, query: { per_page: PAGE_SIZE, page } }, call);
      found.push(...readAnswer(z.array(discussionSchema), answer.json));
      page = answer.headers['x-next-page'] ?? '';
    }
    return found;
  }

  return {
    async pullRequest(number, call) {
      const { json } = await http({ method: 'GET', path: `${root}/${number}` }, call);
      return pullOf(readAnswer(pullSchema, json));
    },
    async comments(pull, call) {
      const username = await whoAmI(call);
      const found = await discussions(pull.number, call);
      return found.flatMap((discussion): HostComment[] => {
        const first = discussion.notes[0];
        if (!first || first.system) return [];
        const own = username === null || first.author.username === username;
        return [{ ...commentOf(pull, first, discussion.individual_note ? null : discussion.id), own }];
      });
    },
    async post(pull, { body, place }, call) {
      const at = `${root}/${pull.number}`;
      if (!place) {
        const { json } = await http({ method: 'POST', path: `${at}/notes`, body: { body } }, call);
        return commentOf(pull, readAnswer(noteSchema, json), null);
      }
      const request = { body, position: positionOf(pull, place) };
      const { json } = await http({ method: 'POST', path: `${at}/discussions`, body: request }, call);
      const { id, notes } = readAnswer(discussionSchema, json);
      return commentOf(pull, readAnswer(noteSchema, notes[0]), id);
    },
    async update(pull, { id, thread_id }, body, call) {
      const at = `${root}/${pull.number}`;
      const path = thread_id === null ? `${at}/notes/${id}` : `${at}/discussions/${thread_id}/notes/${id}`;
      await http({ method: 'PUT', path, body: { body } }, call);
    },
    async resolve(pull, { thread_id }, resolved, call) {
      if (thread_id === null) return false;
      const path = `${root}/${pull.number}/discussions/${thread_id}`;
      try {
        await http({ method: 'PUT', path, body: { resolved } }, call);
        return true;
      } catch (error) {
        if (error instanceof CodeHostFailure) return false;
        throw error;
      }
    },
  };
}

function commentOf(
  pull: PullRequest,
  note: z.output<typeof noteSchema>,
  thread_id: string | null,
): HostComment {
  return { id: String(note.id), thread_id, body: note.body, own: true, url: `${pull.url}#note_${note.id}` };
}

/** An added line is named by its number in head alone. */
function positionOf(pull: PullRequest, { path, old_path, line }: CommentPlace) {
  return {
    position_type: 'text',
    base_sha: pull.base.commit,
    start_sha: pull.start_commit,
    head_sha: pull.head.commit,
    new_path: path,
    old_path: old_path ?? path,
    new_line: line,
  };
}

const STATES = { opened: 'open', closed: 'closed', merged: 'merged', locked: 'closed' } as const;

function pullOf(pull: z.output<typeof pullSchema>): PullRequest {
  return {
    number: pull.iid,
    title: pull.title,
    description: pull.description ?? '',
    state: STATES[pull.state],
    draft: pull.draft,
    author: pull.author.username,
    url: pull.web_url,
    base: { ref: pull.target_branch, commit: pull.diff_refs.base_sha },
    head: { ref: pull.source_branch, commit: pull.diff_refs.head_sha },
    start_commit: pull.diff_refs.start_sha,
  };
}
