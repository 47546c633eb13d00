import type { Request, Response } from 'express';
import { z } from 'zod';
import { AppError } from '../../contract/errors.ts';
import { hasRole, type Role } from '../../contract/roles.ts';
import type { IdempotencyService } from '../../domain/idempotency.ts';
import type { ProjectDirectory } from '../../domain/projects.ts';
import { derivedId } from '../../domain/rules/derived-id.ts';
import { requestIdOf } from '../error-handler.ts';
import { ANONYMOUS, type Principal } from '../../contract/principal.ts';
import { STREAMED, WRITES, type Call, type Reply, type Route } from '../route.ts';
import { sendAnswer, toAnswer, type Answer } from './answer.ts';
import { auditing, type AuditingOptions, type Trail } from './audit.ts';
import type { Authenticate } from './bearer.ts';
import { bodyReader, type BodyReader, type ReadBody } from './body-reader.ts';
import { idempotencyKeyOf, once, requestHash } from './idempotency.ts';
import { parseIfMatch } from './if-match.ts';
import { textProblem, pointerToken } from './json-guard.ts';
import { namedProject, resolveProject } from './project.ts';
import { parseQuery, type Query } from './query.ts';
import type { RateLimiter } from './rate-limit.ts';
import { verified } from './verify-reply.ts';
import { validator, type Validator } from './validate.ts';

export interface ApiLimits {
  body_bytes: number;
  blob_bytes: number;
  bundle_bytes: number;
  heartbeat_bytes: number;
  json_depth: number;
  rate_per_second: number;
  rate_burst: number;
}

export interface PipelineOptions extends AuditingOptions {
  authenticate: Authenticate;
  projects: ProjectDirectory;
  idempotency: IdempotencyService;
  rate_limiter: RateLimiter;
  limits: ApiLimits;
  verify_replies?: boolean;
  /** Told about failures that do not change the answer. */
  onError: (error: unknown) => void;
}

/** One request after routing. */
export interface Arrival {
  req: Request;
  res: Response;
  /** Path below the mount: the same under `/api` and `/api/v1`. */
  path: string;
  search: string;
  params: Record<string, string>;
}

export type Serve = (arrival: Arrival) => Promise<void>;
type AnyCall = Call<unknown, unknown, unknown>;
type Handler = (call: AnyCall) => Promise<Reply | typeof STREAMED>;

/** Everything about one route that does not depend on the request, worked out once. */
interface Prepared {
  row: Route;
  handler: Handler;
  is_write: boolean;
  keyed: boolean;
  role: Role;
  params: Validator | undefined;
  query: Validator;
  query_has_project: boolean;
  readBody: BodyReader;
}

/**
 * Serves one route: who (401, 429) → which project (404, 422) → role in it (403) → preconditions (400, 412) → path,
 * query and body (400, 413, 415, 422) → idempotency key (409, 422) → handler → audit log (503) → answer. The first stage
 * that objects ends it; what a known caller is refused for writing is in the audit log as well.
 */
export function pipeline(row: Route, options: PipelineOptions): Serve {
  const prepared = prepare(row, options);
  const audited = auditing(row, options);
  return async (arrival) => {
    const principal = await admit(row, arrival, options);
    const outcome = await audited({ ...arrival, principal }, (trail) =>
      carryOut(prepared, { arrival, principal, trail }, options),
    );
    if (outcome !== STREAMED) sendAnswer(arrival.res, outcome);
  };
}

interface Admitted {
  arrival: Arrival;
  principal: Principal;
  trail: Trail;
}

async function carryOut(
  prepared: Prepared,
  { arrival, principal: admitted, trail }: Admitted,
  options: PipelineOptions,
): Promise<Answer | typeof STREAMED> {
  const query = parseQuery(arrival.search);
  const found = await projectOf(prepared, { arrival, principal: admitted, query }, options);
  const { project_id, role } = found;
  trail.project_id = project_id;
  assertAllowed(prepared, admitted, found);
  const principal = role === admitted.role ? admitted : { ...admitted, role };
  if (!prepared.query_has_project) delete query.project_id;
  const { call, bytes } = await readCall(prepared, arrival, { principal, project_id, query });
  trail.bytes = bytes;
  return execute(prepared, { arrival, call, bytes }, options);
}

/** What concerns no project is kept with the default one, and asks for the most that its caller may be anywhere. */
async function projectOf(
  { row }: Prepared,
  { arrival, principal, query }: Pick<Admitted, 'arrival' | 'principal'> & { query: Query },
  { projects }: PipelineOptions,
) {
  if (row.installation)
    return { project_id: projects.default_project_id, role: principal.role, is_archived: false };
  const named = namedProject(row, arrival.params, query);
  const { id, ...standing } = await resolveProject(projects, { req: arrival.req, principal }, named);
  return { project_id: id, ...standing };
}

function assertAllowed(
  { row, role: needed, is_write }: Prepared,
  { permissions }: Principal,
  { role, is_archived }: { role: Role; is_archived: boolean },
): void {
  if (!hasRole(role, needed)) throw new AppError('forbidden', { detail: `This needs the role ${needed}.` });
  const { permission } = row;
  if (permission !== undefined && !permissions?.includes(permission))
    throw new AppError('forbidden', { detail: `This needs the permission ${permission}.` });
  if (is_archived && is_write && !row.in_archived)
    throw new AppError('state_conflict', { detail: 'The project is archived.' });
}

function prepare(row: Route, { limits, verify_replies }: PipelineOptions): Prepared {
  const is_write = WRITES.has(row.method);
  const query = row.query ?? z.strictObject({});
  return {
    row,
    handler: verify_replies ? verified(row) : (row.handler as unknown as Handler),
    is_write,
    keyed: is_write && row.idempotent !== false,
    role: row.role ?? (is_write ? 'editor' : 'viewer'),
    params: row.params && validator(row.params, '/path'),
    query: validator(query, '/query'),
    query_has_project: query instanceof z.ZodObject && 'project_id' in query.shape,
    readBody: bodyReader(row, limits),
  };
}

async function admit(row: Route, { req, res }: Arrival, options: PipelineOptions): Promise<Principal> {
  const address = `address:${req.socket.remoteAddress ?? ''}`;
  if (row.public) {
    if (!row.unmetered) options.rate_limiter.take(address, res);
    return row.takes_token ? shown(req, options) : ANONYMOUS;
  }
  try {
    const principal = await options.authenticate(req);
    options.rate_limiter.take(principal.id, res);
    return principal;
  } catch (error) {
    // Guessing tokens has an allowance of its own, so that it cannot eat anybody else's.
    if (error instanceof AppError && error.code === 'unauthenticated')
      options.rate_limiter.take(address, res);
    throw error;
  }
}

/** What an open route is told of a token that nobody has is nothing: the sender may have meant it for another purpose. */
async function shown(req: Request, { authenticate }: PipelineOptions): Promise<Principal> {
  if (req.headers.authorization === undefined) return ANONYMOUS;
  try {
    return await authenticate(req);
  } catch (error) {
    if (error instanceof AppError && error.code === 'unauthenticated') return ANONYMOUS;
    throw error;
  }
}

interface Caller {
  principal: Principal;
  project_id: string;
  query: Query;
}

async function readCall(
  prepared: Prepared,
  arrival: Arrival,
  caller: Caller,
): Promise<{ call: AnyCall; bytes: Buffer | undefined }> {
  const { req, res } = arrival;
  const if_match = prepared.is_write ? parseIfMatch(req.headers['if-match']) : undefined;
  if (req.url.includes('%00')) {
    assertTexts(arrival.params, '/path');
    assertTexts(caller.query, '/query');
  }
  const params = prepared.params ? prepared.params(arrival.params) : arrival.params;
  const query = prepared.query(caller.query);
  const { value: body, bytes }: ReadBody = await prepared.readBody(req);
  const { principal, project_id } = caller;
  return {
    call: { params, query, body, principal, project_id, request_id: requestIdOf(res), if_match, req, res },
    bytes,
  };
}

/** U+0000 cannot be stored or compared, whatever the schema says; in an address it can only come from `%00`. */
function assertTexts(values: Record<string, string | string[]>, at: string): void {
  for (const name in values) {
    for (const text of [name, values[name]!].flat()) {
      const message = textProblem(text);
      const path = `${at}/${pointerToken(name)}`;
      if (message !== undefined) throw new AppError('validation_failed', { errors: [{ path, message }] });
    }
  }
}

interface Execution {
  arrival: Arrival;
  call: AnyCall;
  bytes: Buffer | undefined;
}

async function execute(
  prepared: Prepared,
  execution: Execution,
  options: PipelineOptions,
): Promise<Answer | typeof STREAMED> {
  const { arrival, call, bytes } = execution;
  const run = async (once_id?: string) => {
    const reply = await prepared.handler({ ...call, once_id });
    return reply === STREAMED ? STREAMED : toAnswer(reply);
  };
  const key = prepared.keyed ? idempotencyKeyOf(arrival.req) : undefined;
  if (key === undefined) return run();
  const { project_id, request_id, principal } = call;
  const { path, search, req } = arrival;
  const request_hash = requestHash({ method: req.method, path, search, project_id, body: bytes, req });
  const { idempotency, translateError, onError } = options;
  const is_secret = prepared.row.secret_body === true || prepared.row.secret_answer === true;
  const request = { project_id, principal: principal.id, key, request_hash, is_secret };
  const once_id = derivedId('request', project_id, principal.id, key, request_hash);
  return once(request, () => run(once_id), { idempotency, translateError, request_id, onError });
}
