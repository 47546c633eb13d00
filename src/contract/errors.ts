/**
 * The error catalogue: every failure the product can name, each in one family.
 * A family decides the HTTP status (src/api/error-handler.ts) and the Temporal retryability
 * (`TEMPORAL_RETRYABLE` below); both tables are exhaustive by type.
 */

export type ErrorFamily =
  | 'malformed' // the request cannot be read: 400
  | 'unauthenticated' // 401
  | 'forbidden' // known resource inside the caller's project, missing right: 403
  | 'not_found' // unknown or foreign: 404, same body
  | 'method_not_allowed' // the path is there, the method is not: 405
  | 'conflict' // the state does not allow it: 409
  | 'stale' // If-Match does not hold: 412
  | 'gone' // it existed and was collected: 410
  | 'too_large' // 413
  | 'unsatisfiable_range' // 416
  | 'unsupported_media' // 415
  | 'invalid' // well formed but wrong: 422
  | 'upgrade_required' // 426
  | 'precondition_required' // 428
  | 'rate_limited' // 429
  | 'over_quota' // 429 too, but asking again at once is no use
  | 'not_implemented' // 501
  | 'unavailable' // a dependency is away, try again: 503
  | 'internal'; // a defect of ours: 500, nothing leaks

interface CatalogueEntry {
  family: ErrorFamily;
  /** One short sentence, safe to show to anyone. */
  title: string;
}

const catalogue = {
  malformed_request: { family: 'malformed', title: 'The request could not be read.' },
  unauthenticated: { family: 'unauthenticated', title: 'A valid bearer token is required.' },
  forbidden: { family: 'forbidden', title: 'This caller may not do that.' },
  not_found: { family: 'not_found', title: 'No such resource.' },
  method_not_allowed: { family: 'method_not_allowed', title: 'This path does not take this method.' },
  state_conflict: { family: 'conflict', title: 'The current state does not allow this.' },
  version_conflict: { family: 'conflict', title: 'The tag is not at the expected version.' },
  approval_required: { family: 'conflict', title: 'This change needs approvals.' },
  tag_bound: { family: 'conflict', title: 'This tag moves only through deployments.' },
  nothing_to_undo: { family: 'conflict', title: 'There is no earlier position to undo to.' },
  nothing_to_redo: { family: 'conflict', title: 'There is no undone move to redo.' },
  patch_conflict: { family: 'conflict', title: 'The patch does not apply to the current head.' },
  merge_conflict: { family: 'conflict', title: 'Both sides changed the same values differently.' },
  no_merge_base: { family: 'conflict', title: 'The two versions have no common ancestor; name a base.' },
  not_fast_forward: {
    family: 'conflict',
    title: 'The tag would lose versions: the target does not come from it.',
  },
  revert_conflict: { family: 'conflict', title: 'Later patches depend on this one.' },
  run_exists: { family: 'conflict', title: 'A run with this start id is open.' },
  limit_reached: { family: 'conflict', title: 'As many runs are open as the limit allows.' },
  run_final: { family: 'conflict', title: 'The run has already ended.' },
  lease_lost: { family: 'conflict', title: 'The lease is over, and somebody else may have this by now.' },
  command_conflict: { family: 'conflict', title: 'This command id was used with another content.' },
  idempotency_in_flight: {
    family: 'conflict',
    title: 'A request with this idempotency key is still in flight.',
  },
  upgrade_required: { family: 'upgrade_required', title: 'This route takes WebSockets only.' },
  tag_protected: { family: 'precondition_required', title: 'A protected tag needs If-Match.' },
  precondition_required: { family: 'precondition_required', title: 'This write needs a precondition.' },
  stale_if_match: { family: 'stale', title: 'If-Match does not match the current version.' },
  blob_collected: { family: 'gone', title: 'The blob was collected.' },
  payload_too_large: { family: 'too_large', title: 'The body is larger than allowed.' },
  unsupported_media_type: { family: 'unsupported_media', title: 'This media type is not accepted here.' },
  range_not_satisfiable: { family: 'unsatisfiable_range', title: 'The blob has no byte in this range.' },
  validation_failed: { family: 'invalid', title: 'The request is well formed but not valid.' },
  definition_invalid: { family: 'invalid', title: 'The workflow definition is not valid.' },
  patch_invalid: { family: 'invalid', title: 'The JSON Patch is not valid.' },
  bundle_invalid: { family: 'invalid', title: 'The bundle is not valid.' },
  input_invalid: { family: 'invalid', title: 'The input does not match the input schema.' },
  hash_mismatch: { family: 'invalid', title: 'The content does not match its hash.' },
  idempotency_mismatch: { family: 'invalid', title: 'This idempotency key was used with another body.' },
  expression_error: { family: 'invalid', title: 'An expression could not be evaluated.' },
  egress_refused: { family: 'invalid', title: 'This address may not be called.' },
  rate_limited: { family: 'rate_limited', title: 'Too many requests.' },
  quota_exceeded: { family: 'over_quota', title: 'As many runs as the quota allows.' },
  not_implemented: { family: 'not_implemented', title: 'This installation does not have this.' },
  sandbox_unavailable: { family: 'not_implemented', title: 'No sandbox can run this here.' },
  issuer_unavailable: { family: 'unavailable', title: 'The OpenID issuer is not available.' },
  database_unavailable: { family: 'unavailable', title: 'The database is not available.' },
  audit_unavailable: { family: 'unavailable', title: 'The audit log cannot be written.' },
  temporal_unavailable: { family: 'unavailable', title: 'Temporal is not available.' },
  agent_manager_unavailable: { family: 'unavailable', title: 'The agent manager is not available.' },
  secrets_unavailable: { family: 'unavailable', title: 'A secret cannot be read.' },
  spec_engine_unavailable: { family: 'unavailable', title: 'The Spec Engine is not available.' },
  object_store_unavailable: { family: 'unavailable', title: 'The object store is not available.' },
  overloaded: { family: 'unavailable', title: 'The service is overloaded.' },
  shutting_down: { family: 'unavailable', title: 'The service is shutting down.' },
  transition_forbidden: { family: 'internal', title: 'A run may not go from its state to that one.' },
  blob_corrupt: { family: 'internal', title: 'A stored blob failed verification.' },
  internal: { family: 'internal', title: 'Something went wrong on our side.' },
} as const satisfies Record<string, CatalogueEntry>;

export type ErrorCode = keyof typeof catalogue;

/** The catalogue as data, for the error table in the docs and its test. */
export const ERROR_CATALOGUE: Readonly<Record<ErrorCode, CatalogueEntry>> = catalogue;

/** Whether Temporal should try an activity again after an error of this family. */
export const TEMPORAL_RETRYABLE: Readonly<Record<ErrorFamily, boolean>> = {
  malformed: false,
  unauthenticated: false,
  forbidden: false,
  not_found: false,
  method_not_allowed: false,
  conflict: false,
  stale: false,
  gone: false,
  too_large: false,
  unsupported_media: false,
  unsatisfiable_range: false,
  invalid: false,
  upgrade_required: false,
  precondition_required: false,
  rate_limited: true,
  over_quota: false,
  not_implemented: false,
  unavailable: true,
  internal: true,
};

/** One problem in a document: an RFC 6901 pointer into what was sent, and what is wrong there. */
export interface Problem {
  path: string;
  message: string;
}

export interface ErrorData {
  /** One sentence for the caller; must not hold internals. */
  detail?: string;
  /** Every problem at once, for the `invalid` family. */
  errors?: readonly Problem[];
  /** Seconds until a retry makes sense (`rate_limited`, `unavailable`, and what is in flight). */
  retry_after_seconds?: number;
  /** Further safe members of the problem document. */
  extra?: Readonly<Record<string, unknown>>;
  cause?: unknown;
}

/** The one error type that leaves our code; anything else is a defect and answers `internal`. */
export class AppError extends Error {
  override readonly name = 'AppError';
  readonly code: ErrorCode;
  readonly data: ErrorData;

  constructor(code: ErrorCode, data: ErrorData = {}) {
    super(
      data.detail ?? ERROR_CATALOGUE[code].title,
      data.cause === undefined ? undefined : { cause: data.cause },
    );
    this.code = code;
    this.data = data;
  }

  get family(): ErrorFamily {
    return ERROR_CATALOGUE[this.code].family;
  }
}
