import type { Request, Response } from 'express';
import { type AuditNote, INSTALLATION_SCOPE } from '../../contract/audit.ts';
import type { AuditLog } from '../../domain/audit-log.ts';
import { contentHash } from '../../domain/rules/content-hash.ts';
import { requestIdOf, STATUS_OF_FAMILY, toAppError } from '../error-handler.ts';
import { ANONYMOUS, type Principal } from '../../contract/principal.ts';
import { STREAMED, type Route, WRITES } from '../route.ts';
import type { Answer } from './answer.ts';

/** What is learned of a request on its way, for its entry. */
export interface Trail {
  /** The project, once it is known to be there and the caller's. */
  project_id?: string;
  /** The body, once it is read. */
  bytes?: Buffer;
}

/** A request as it arrived, and who makes it. */
export interface Asked {
  req: Request;
  res: Response;
  /** Below the mount, as it was called. */
  path: string;
  principal: Principal;
}

type Outcome = Answer | typeof STREAMED;
type Work = (trail: Trail) => Promise<Outcome>;

export interface AuditingOptions {
  audit: AuditLog;
  translateError: (error: unknown) => unknown;
}

/** Answers that say nothing of what was done: "who are you", "too often", "not there yet", "try again". */
const UNNOTED = new Set([401, 429, 501, 503]);
const MAX_TARGET = 512;
const MAX_AGENT = 200;
const MAX_PRINCIPAL = 256;

/** On an open route, who it turned out to be: the entry is theirs instead of an anonymous one. */
export function actedAs(res: Response, actor: Pick<AuditNote, 'principal'> & { project_id?: string }): void {
  res.locals.acted_as = actor;
}

/**
 * Carries out a request so that its outcome, also a refusal, is in the audit log before it is answered. Throws
 * `audit_unavailable` instead of an answer that is not.
 */
export function auditing(row: Route, { audit, translateError }: AuditingOptions) {
  if (!WRITES.has(row.method) || row.audited === false) return (_: Asked, work: Work) => work({});
  const action = `${row.method.toUpperCase()} ${row.path.replaceAll(/:(\w+)/g, '{$1}')}`;
  return async (asked: Asked, work: Work): Promise<Outcome> => {
    const trail: Trail = {};
    // Asked for now: a connection that was closed has none any more.
    const address = asked.req.socket.remoteAddress ?? '';
    const note = async (status: number, replayed = false) => {
      const who = actorOf(row, asked, trail);
      if (UNNOTED.has(status) || (who.principal === ANONYMOUS.id && status >= 400)) return;
      await audit.append({ ...who, action, status, address, replayed, ...requestOf(row, asked, trail) });
    };
    const outcome = await work(trail).catch(async (error: unknown) => {
      const status = STATUS_OF_FAMILY[toAppError(error, translateError).family];
      // A defect of ours is to be heard of, whatever else fails.
      await note(status).catch((failure: unknown) => {
        if (status !== 500) throw failure;
      });
      throw error;
    });
    if (outcome === STREAMED) await note(asked.res.statusCode);
    else await note(outcome.status, outcome.headers['Idempotent-Replayed'] === 'true');
    return outcome;
  };
}

function actorOf(row: Route, { res, principal }: Asked, { project_id }: Trail) {
  const known = res.locals.acted_as as Parameters<typeof actedAs>[1] | undefined;
  // Whose project an open route is about is not for whoever calls it to say.
  const theirs = row.installation || row.public ? undefined : project_id;
  return {
    principal: (known?.principal ?? principal.id).slice(0, MAX_PRINCIPAL),
    credential: credentialOf(principal),
    scope: known?.project_id ?? theirs ?? INSTALLATION_SCOPE,
  };
}

/** With what they came, where one can do so with several things. */
function credentialOf({ api_key_id, identity_id, session_id }: Principal): string | null {
  if (api_key_id !== undefined) return `api_key:${api_key_id}`;
  if (identity_id !== undefined) return `identity:${identity_id}`;
  return session_id === undefined ? null : `session:${session_id}`;
}

function requestOf(row: Route, { req, res, path }: Asked, { bytes }: Trail) {
  const has_digest = bytes !== undefined && bytes.length > 0 && !row.secret_body;
  return {
    target: path.slice(0, MAX_TARGET),
    request_id: requestIdOf(res),
    user_agent: req.headers['user-agent']?.slice(0, MAX_AGENT) ?? null,
    body_digest: has_digest ? contentHash(bytes) : null,
  };
}
