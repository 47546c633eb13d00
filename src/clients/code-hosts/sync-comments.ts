import {
  type CodeHost,
  CodeHostFailure,
  type HostCall,
  type HostComment,
  type PostedComment,
  type PullRequest,
  type WantedComment,
} from '../../contract/code-host.ts';
import { isSameText, type Marked, readMarker, withMarker } from './marker.ts';

interface Found {
  comment: HostComment;
  marked: Marked;
}

/** After one of these, nothing else would be done either. */
const FATAL = new Set(['unauthorized', 'rate_limited', 'unavailable']);

/**
 * Makes the comments of a pull request those that are wanted: posts what is missing, changes the text of what differs,
 * and resolves what is not wanted any more. Done twice it does nothing the second time; comments of others are left
 * alone, and so is a thread that somebody resolved by hand. A comment that the host does not take is reported and the
 * others go on. Throws `CodeHostFailure` only when the comments cannot be read, and the reason of the signal.
 */
export async function syncComments(
  host: CodeHost,
  pull: PullRequest,
  wanted: readonly WantedComment[],
  call: HostCall = {},
): Promise<PostedComment[]> {
  const found = ownComments(await host.comments(pull, call));
  const sync = syncOf(host, pull, call);
  const fingerprints = new Set(wanted.map(({ fingerprint }) => fingerprint));
  const unique = [...new Map(wanted.map((one) => [one.fingerprint, one])).values()];
  const posted: PostedComment[] = [];
  for (const one of unique) {
    const there = found.find(({ marked }) => marked.fingerprint === one.fingerprint);
    posted.push(
      await sync.attempt(one.fingerprint, () => (there ? sync.refresh(one, there) : sync.create(one))),
    );
  }
  for (const there of found.filter((one) => isStale(one, found, fingerprints))) {
    posted.push(await sync.attempt(there.marked.fingerprint, () => sync.retire(there)));
  }
  return posted;
}

function ownComments(comments: readonly HostComment[]): Found[] {
  return comments.flatMap((comment) => {
    const marked = comment.own ? readMarker(comment.body) : null;
    return marked ? [{ comment, marked }] : [];
  });
}

/** Not wanted any more, or said twice because two of us spoke at once. */
function isStale(one: Found, found: readonly Found[], fingerprints: ReadonlySet<string>): boolean {
  if (one.marked.resolved) return false;
  const first = found.find(({ marked }) => marked.fingerprint === one.marked.fingerprint);
  return !fingerprints.has(one.marked.fingerprint) || first !== one;
}

function syncOf(host: CodeHost, pull: PullRequest, call: HostCall) {
  let fatal: CodeHostFailure | undefined;
  return {
    /** What became of it; after a failure that is not about this one comment alone, the rest is not tried. */
    async attempt(fingerprint: string, work: () => Promise<PostedComment>): Promise<PostedComment> {
      try {
        if (fatal) throw fatal;
        return await work();
      } catch (error) {
        if (!(error instanceof CodeHostFailure)) throw error;
        if (FATAL.has(error.code)) fatal = error;
        return { fingerprint, action: 'failed', comment_id: null, url: null, error: error.message };
      }
    },
    async create(one: WantedComment): Promise<PostedComment> {
      const body = withMarker({ ...one, resolved: false });
      const comment = await host
        .post(pull, { body, place: one.place }, call)
        .catch(async (error: unknown) => {
          if (!(error instanceof CodeHostFailure) || error.code !== 'unavailable') throw error;
          // The answer was lost, or the work was never done: only the list tells which.
          const again = ownComments(await host.comments(pull, call));
          const there = again.find(({ marked }) => marked.fingerprint === one.fingerprint);
          return there?.comment ?? host.post(pull, { body, place: one.place }, call);
        });
      return report(one.fingerprint, 'created', comment);
    },
    async refresh(one: WantedComment, { comment, marked }: Found): Promise<PostedComment> {
      const body = withMarker({ ...one, resolved: false });
      if (isSameText(body, comment.body)) return report(one.fingerprint, 'unchanged', comment);
      await host.update(pull, comment, body, call);
      if (marked.resolved) await host.resolve(pull, comment, false, call);
      return report(one.fingerprint, 'updated', comment);
    },
    async retire({ comment, marked }: Found): Promise<PostedComment> {
      // First the thread: the marker says that all of it was done.
      await host.resolve(pull, comment, true, call);
      await host.update(
        pull,
        comment,
        withMarker({ ...marked, resolved: true, body: resolvedBody(marked) }),
        call,
      );
      return report(marked.fingerprint, 'resolved', comment);
    },
  };
}

/** Also for hosts and accounts that cannot resolve a thread. */
const resolvedBody = ({ body }: Marked): string =>
  `**Resolved:** this is not found any more.\n\n<details><summary>What it was</summary>\n\n${body}\n\n</details>`;

function report(
  fingerprint: string,
  action: PostedComment['action'],
  { id, url }: HostComment,
): PostedComment {
  return { fingerprint, action, comment_id: id, url, error: null };
}
