import type { Request, Response } from 'express';
import type { z } from 'zod';
import type { Json } from '../contract/json.ts';
import type { Principal } from '../contract/principal.ts';
import type { Permission, Role } from '../contract/roles.ts';

/** One request as a handler sees it: everything already validated against the route's schemas. */
export interface Call<P, Q, B> {
  params: P;
  query: Q;
  body: B;
  principal: Principal;
  project_id: string;
  request_id: string;
  /**
   * An id for what the request makes, the same whenever it comes with this `Idempotency-Key`: an answer that was lost in a
   * crash is not remembered, but what it was about is found under it. Undefined without a key.
   */
  once_id?: string;
  /** Parsed `If-Match`: a version number; `undefined` when the header was absent or `*`. */
  if_match: number | undefined;
  /** For streamed bodies and answers only. */
  req: Request;
  res: Response;
}

export interface Reply {
  status: number;
  body?: unknown;
  headers?: Record<string, string>;
}

/** A body as it came, and as JSON. */
export interface WholeBody {
  bytes: Buffer;
  /** `{}` for an empty body. Throws `malformed_request` for what is no JSON. */
  json: () => Json;
}

/** A handler that writes the response itself (streams) returns this. */
export const STREAMED = Symbol('streamed');

/** Methods of routes that change something. */
export const WRITES: ReadonlySet<string> = new Set(['post', 'put', 'patch', 'delete']);

type Shape = z.ZodType;
type Out<S> = S extends z.ZodType ? z.output<S> : undefined;

export interface RouteResponse {
  description: string;
  /** JSON body; leave out for bodies that are empty or not JSON. */
  schema?: Shape;
  /** Defaults to application/json when there is a schema. */
  media_type?: string;
  headers?: Record<string, string>;
}

/**
 * One row of the route table. The same row mounts the route, validates what comes in, and generates
 * the OpenAPI document, so the three cannot differ.
 */
export interface Route {
  method: 'get' | 'post' | 'put' | 'patch' | 'delete' | 'head';
  /** Below `/api/v1`, in Express notation: `/tags/:name/move`. */
  path: string;
  /** `path` counts from the server's root instead. */
  root?: boolean;
  /** The noun it is filed under in the OpenAPI document. */
  group: string;
  summary: string;
  params?: Shape;
  query?: Shape;
  /** A JSON body unless `body_media_type` says otherwise; `body: undefined` means no body is read. */
  body?: Shape;
  body_media_types?: readonly string[];
  /** The handler reads `req` itself (uploads). */
  raw_body?: boolean;
  /** Which limit such a body has; `blob_bytes` unless it says otherwise. */
  raw_limit?: 'blob_bytes' | 'bundle_bytes';
  /** Which limit a JSON body has, where it is not `body_bytes`. */
  body_limit?: 'heartbeat_bytes' | 'blob_bytes';
  /** The handler gets a `WholeBody`, because a signature over the bytes comes before what they say. */
  whole_body?: boolean;
  /** Open without a token. */
  public?: boolean;
  /** Of an open route: who shows a token all the same is not anonymous. */
  takes_token?: boolean;
  /** `:id` in the path is the project of the call. */
  project_in_path?: boolean;
  /** What a caller must at least be; unless it says otherwise a viewer may read, and an editor write. */
  role?: Role;
  /** A right that its caller needs besides. */
  permission?: Permission;
  /** Also takes writes where the project is archived. */
  in_archived?: true;
  /** Web pages of these origins may call it; unless it says otherwise none may. */
  origins?: readonly string[];
  /** Probes: neither counted against a rate limit nor logged. */
  unmetered?: boolean;
  /** `false`: a sign of life or a question, for work for one, no change by somebody; it is not in the audit log. */
  audited?: false;
  /** What it does concerns no project, so that none is looked for, and so does its entry in the audit log. */
  installation?: true;
  /** The body is a secret: not even its digest is kept in the audit log, because short secrets can be guessed by it. */
  secret_body?: true;
  /** The answer has a secret in it: what is kept of it for a second request with the same key is sealed. */
  secret_answer?: true;
  /** Takes `Idempotency-Key`; every POST, PUT, PATCH and DELETE does unless switched off. */
  idempotent?: boolean;
  responses: Record<number, RouteResponse>;
  handler: (call: Call<never, never, never>) => Promise<Reply | typeof STREAMED>;
}

interface TypedRoute<P, Q, B> extends Omit<Route, 'params' | 'query' | 'body' | 'handler'> {
  params?: P;
  query?: Q;
  body?: B;
  handler: (call: Call<Out<P>, Out<Q>, Out<B>>) => Promise<Reply | typeof STREAMED>;
}

/** Declares a route; the handler's argument types follow from the schemas. */
export function route<P = undefined, Q = undefined, B = undefined>(row: TypedRoute<P, Q, B>): Route {
  return row as unknown as Route;
}
