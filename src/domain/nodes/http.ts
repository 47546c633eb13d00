import type { FetchResponse, GuardedFetch } from '../../clients/http/guarded-fetch.ts';
import { HttpFailure } from '../../clients/http/http-failure.ts';
import { AppError } from '../../contract/errors.ts';
import type { Json, JsonObject } from '../../contract/json.ts';
import { keepBody } from './http-body.ts';
import { ConfigProblem, type HttpCall, readHttpConfig } from './http-config.ts';
import type { NodeContext, NodeOutcome } from './node.ts';

interface Deps {
  fetch: GuardedFetch;
  /** A larger body is kept as a blob. */
  inline_bytes: number;
  /** Of the product, for `User-Agent`. */
  version?: string;
}

type Context = Pick<NodeContext, 'run_id' | 'signal' | 'keep'>;

/**
 * The `http` node: calls a server that may be called and keeps its answer as `{status, headers, body, body_ref}`.
 * A status of 400 or more fails the step unless it is expected, and so does everything on the way there; rejects only
 * with the reason of the context's signal, or when the body cannot be kept.
 */
export function httpNode({ fetch, inline_bytes, version }: Deps) {
  const user_agent = version === undefined ? 'orchestrator' : `orchestrator/${version}`;
  return async (config: JsonObject, context: Context): Promise<NodeOutcome> => {
    const answered = await call(config, context).catch(failureOutcome);
    if ('state' in answered) return answered;
    const { response, expect_status } = answered;
    const { status, headers } = response;
    const output: JsonObject = { status, headers, ...(await keepBody(response, inline_bytes, context)) };
    return isExpected(status, expect_status)
      ? { state: 'succeeded', output, error: null }
      : failed('http_status', `The server answered ${status}.`, output);
  };

  async function call(config: JsonObject, context: Context): Promise<Answered> {
    const { method, url, headers, body, expect_status } = readHttpConfig(config);
    const named = { 'user-agent': user_agent, ...headers, 'x-orchestrator-run': context.run_id };
    const request = { method, url, headers: named, body, final_statuses: expect_status };
    return { response: await fetch(request, { signal: context.signal }), expect_status };
  }
}

interface Answered {
  response: FetchResponse;
  expect_status: HttpCall['expect_status'];
}

function isExpected(status: number, expected: HttpCall['expect_status']): boolean {
  return expected ? expected.includes(status) : status < 400;
}

/** A step's failure for what a call may end in; anything else is a defect, or the signal's reason, and goes on. */
function failureOutcome(error: unknown): NodeOutcome {
  if (error instanceof ConfigProblem) return failed('config_invalid', error.message, null);
  if (error instanceof HttpFailure) {
    return failed(error.code === 'request_invalid' ? 'config_invalid' : error.code, error.message, null);
  }
  if (error instanceof AppError && error.code === 'egress_refused')
    return failed(error.code, error.message, null);
  throw error;
}

function failed(code: string, message: string, output: Json): NodeOutcome {
  return { state: 'failed', output, error: { code, message } };
}
