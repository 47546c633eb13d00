import { syncComments } from '../../../clients/code-hosts/sync-comments.ts';
import type { CodeHost, PostedComment, WantedComment } from '../../../contract/code-host.ts';
import type { Json } from '../../../contract/json.ts';
import type { BlobService } from '../../blobs.ts';
import type { NodeExecutor } from '../../node-tasks.ts';
import { succeeding } from '../../nodes/succeeding.ts';
import { readLeft } from '../code-analysis/tree.ts';
import type { ReviewChanges } from './changes.ts';
import { hostProblem } from './code-host-call.ts';
import type { ReviewComment } from './comments.ts';
import { commentMarkdown } from './review-markdown.ts';
import type { ReviewInput } from './review-input.ts';

interface Deps {
  blobs: Pick<BlobService, 'get'>;
  host?: CodeHost;
}

interface PostConfig {
  input: ReviewInput;
  head_commit: string;
  changes_ref: string;
  comments_ref: string;
  summary: string;
}

type Left = Omit<PostConfig, 'input' | 'head_commit'>;

interface Posting {
  posted: PostedComment[];
  posting_error: string | null;
}

/** A pull request with more is not read by anybody; the summary lists what is left. */
const MAX_POSTED = 100;

/** PostComments: makes the comments of the pull request those of the review. What the host gets wrong is told and fails nothing. */
export function postComments({ blobs, host }: Deps): NodeExecutor {
  return (config, context) =>
    succeeding(async () => {
      const { input, head_commit, ...left } = config as unknown as PostConfig;
      const { pull_request, post_comments } = input;
      if (post_comments !== true || pull_request === undefined)
        return told({ posted: [], posting_error: null });
      if (!host) return told(failed('No code host is configured.'));
      const wanted = await readWanted(left, context.project_id);
      return told(await post(host, pull_request));

      async function post(to: CodeHost, number: number): Promise<Posting> {
        try {
          const { signal } = context;
          const pull = await to.pullRequest(number, { signal });
          // Its lines are others: comments would stand beside the wrong ones.
          if (pull.head.commit !== head_commit)
            return failed('The pull request is at another commit than the one that was reviewed.');
          return postingOf(await syncComments(to, pull, wanted, { signal }));
        } catch (error) {
          context.signal.throwIfAborted();
          const problem = hostProblem(error);
          if (problem === undefined) throw error;
          return failed(problem);
        }
      }
    });

  async function readWanted(left: Left, project_id: string): Promise<WantedComment[]> {
    const comments = await readLeft<ReviewComment[]>(blobs, project_id, left.comments_ref);
    const { files } = await readLeft<ReviewChanges>(blobs, project_id, left.changes_ref);
    const old_paths = new Map(files.map(({ path, old_path }) => [path, old_path]));
    const beside = comments.slice(0, MAX_POSTED).map((comment) => {
      const { fingerprint, path, line } = comment;
      const place = { path, old_path: old_paths.get(path) ?? path, line };
      return { fingerprint, body: commentMarkdown(comment), place };
    });
    return [...beside, { fingerprint: 'summary', body: left.summary, place: null }];
  }
}

function postingOf(posted: PostedComment[]): Posting {
  const lost = posted.filter(({ action }) => action === 'failed');
  const [first] = lost;
  return {
    posted,
    posting_error: first
      ? `${lost.length} of ${posted.length} comments were not taken: ${first.error}`
      : null,
  };
}

const failed = (posting_error: string): Posting => ({ posted: [], posting_error });

const told = ({ posted, posting_error }: Posting): Json => ({
  posted: posted as unknown as Json[],
  posting_error,
});
