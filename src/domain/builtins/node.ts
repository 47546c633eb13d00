import type { BuiltinNode, RetryPolicy } from '../../contract/definition.ts';
import type { JsonObject } from '../../contract/json.ts';

/** The times of one of the five types (contract §7). */
export interface BuiltinTimes {
  timeout_seconds: number;
  heartbeat_seconds: number;
  /** Further errors that would come again. */
  final_errors?: string[];
}

/** Three attempts; what would fail again is not tried again. */
const RETRY = {
  max_attempts: 3,
  initial_interval_ms: 1_000,
  non_retryable: [
    ...['validation_failed', 'input_invalid', 'definition_invalid', 'not_found', 'blob_collected'],
    ...['sandbox_unavailable', 'agent_unavailable', 'egress_refused', 'expression_error', 'forbidden'],
    ...['repository_refused', 'repository_invalid', 'ref_not_found', 'no_merge_base', 'limit_exceeded'],
    ...['archive_invalid', 'git_unavailable'],
  ],
} satisfies RetryPolicy;

/** Makes the steps of a workflow of the product's own. */
export const builtinNodes =
  ({ final_errors = [], ...times }: BuiltinTimes) =>
  (config: JsonObject, more: Partial<Omit<BuiltinNode, 'type' | 'config'>> = {}) => ({
    type: 'builtin' as const,
    config,
    ...times,
    retry: { ...RETRY, non_retryable: [...RETRY.non_retryable, ...final_errors] },
    ...more,
  });
