/** Operations that are not fuzzed, by their ids, and why. */
export const LEFT_OUT: Readonly<Record<string, string>> = {
  get_runs_by_id_events_stream: 'it does not end',
  get_events_stream: 'it does not end',
  get_ws_runs_by_id: 'it takes WebSockets only',
  get_ws_runs: 'it takes WebSockets only',
  get_ws_refinements_by_thread_id: 'it takes WebSockets only',
  post_agent_tasks_next: 'a long poll, as long as its body says',
  post_workflows_import: 'the tool cannot make up a bundle',
  post_auth_logout: 'it may end what the tool calls with',
  put_auth_password: 'it may end what the tool calls with',
  delete_auth_api_keys_by_id: 'it may end what the tool calls with',
  patch_users_by_id: 'it may end what the tool calls with',
};

/**
 * What every answer is held against. Data that is right by the document may be wrong for other reasons, so that is none of
 * them; nor is which methods a path takes: `/runs/bulk` is a path of its own and a `/runs/{id}`, and the tool knows one.
 */
export const CHECKS = [
  'not_a_server_error',
  'status_code_conformance',
  'content_type_conformance',
  'response_headers_conformance',
  'response_schema_conformance',
  'negative_data_rejection',
  'missing_required_header',
] as const;

/** The tool's own settings. An address that is refused for its length is refused, too. */
export const TOOL_SETTINGS = `[checks.negative_data_rejection]
expected-statuses = ["400", "401", "403", "404", "405", "406", "409", "413", "415", "422", "428", "429", "431"]
`;
