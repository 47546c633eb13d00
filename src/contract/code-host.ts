/** A pull request or merge request, as far as a review needs it. */
export interface PullRequest {
  number: number;
  title: string;
  description: string;
  state: 'open' | 'closed' | 'merged';
  draft: boolean;
  author: string;
  url: string;
  base: { ref: string; commit: string };
  head: { ref: string; commit: string };
  /** Where the host counts the lines of the base from. */
  start_commit: string;
}

export interface CommentPlace {
  path: string;
  /** Differs from `path` in a renamed file. */
  old_path?: string;
  /** A line of head that the pull request added. */
  line: number;
}

/** A comment that should be there. */
export interface WantedComment {
  /** `[A-Za-z0-9._:-]`, at most 128 characters: the same one is the same remark, however its text changes. */
  fingerprint: string;
  /** Markdown. */
  body: string;
  /** Null for the summary of it all. */
  place: CommentPlace | null;
}

/** A comment that is there. */
export interface HostComment {
  id: string;
  /** Of the thread that it began; null for one without. */
  thread_id: string | null;
  /** With its marker. */
  body: string;
  /** Whether the account of the token wrote it; true when the host does not say who that is. */
  own: boolean;
  url: string | null;
}

export interface HostCall {
  signal?: AbortSignal;
}

/** One repository of a code host. All throw `CodeHostFailure` and the reason of `signal`. */
export interface CodeHost {
  pullRequest(number: number, call?: HostCall): Promise<PullRequest>;
  /** The first comment of every thread, and the comments without one; all pages. */
  comments(pull: PullRequest, call?: HostCall): Promise<HostComment[]>;
  post(
    pull: PullRequest,
    comment: { body: string; place: CommentPlace | null },
    call?: HostCall,
  ): Promise<HostComment>;
  update(pull: PullRequest, comment: HostComment, body: string, call?: HostCall): Promise<void>;
  /** Marks a thread as resolved, or takes that back. False when the host or the account cannot. */
  resolve(pull: PullRequest, comment: HostComment, resolved: boolean, call?: HostCall): Promise<boolean>;
}

/** What became of one remark. */
export interface PostedComment {
  fingerprint: string;
  action: 'created' | 'updated' | 'unchanged' | 'resolved' | 'failed';
  comment_id: string | null;
  url: string | null;
  /** Why it failed. */
  error: string | null;
}

export type CodeHostFailureCode =
  | 'unauthorized' // the token is wrong, or may not do this
  | 'not_found'
  | 'rejected' // the host does not take this one request
  | 'rate_limited'
  | 'unavailable' // the host did not answer, or with an error of its own
  | 'answer_invalid';

/** Why a code host did not do something; the message never holds the token. */
export class CodeHostFailure extends Error {
  override readonly name = 'CodeHostFailure';
  readonly code: CodeHostFailureCode;
  readonly retry_after_seconds: number | null;

  constructor(
    code: CodeHostFailureCode,
    message: string,
    options: { retry_after_seconds?: number; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.retry_after_seconds = options.retry_after_seconds ?? null;
  }
}
