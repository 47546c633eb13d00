import { INSTALLATION_SCOPE } from '../../contract/audit.ts';
import { AppError } from '../../contract/errors.ts';
import { type AuditPosition, type AuditService, viewEntry } from '../../domain/audit.ts';
import { sendBytes } from '../byte-stream.ts';
import { decodeCursor, pageReply } from '../cursor.ts';
import { leaving } from '../leaving.ts';
import { type Call, route, type Route } from '../route.ts';
import {
  auditView,
  exportAuditQuery,
  listAuditQuery,
  verificationView,
  verifyAuditQuery,
} from '../schemas/audit.ts';
import { moment, page, uuid } from '../schemas/conventions.ts';

interface Deps {
  audit: AuditService;
  /** Aborted when the process is asked to stop. */
  shutdown: AbortSignal;
  /** A reader that takes nothing for so long is cut off. */
  stall_ms?: number;
}

const group = 'platform';
const role = 'maintainer';
const STALL_MS = 60_000;
const MEDIA_TYPE = 'application/x-ndjson';

/** Who did what, when and from where. */
export function auditRoutes(deps: Deps): Route[] {
  return [listRoute(deps), verifyRoute(deps), exportRoute(deps)];
}

const listRoute = ({ audit }: Deps) =>
  route({
    method: 'get',
    path: '/audit',
    group,
    role,
    summary:
      'The audit log of the project, or of the installation: every write and who made it, newest first.',
    query: listAuditQuery,
    responses: { 200: { description: 'One page.', schema: page(auditView) } },
    async handler(call) {
      const { limit, cursor, scope: _, ...filter } = call.query;
      const found = await audit.list(scopeOf(call), filter, { after: positionOf(cursor), limit });
      return pageReply(found, ({ at, id }) => ({ at: at.toISOString(), id }), viewEntry);
    },
  });

const verifyRoute = ({ audit, shutdown }: Deps) =>
  route({
    method: 'get',
    path: '/audit/verify',
    group,
    role,
    summary: 'Recompute the chain of hashes, and find a head that was kept elsewhere in it.',
    query: verifyAuditQuery,
    responses: { 200: { description: 'Whether all is as it was sealed.', schema: verificationView } },
    async handler(call) {
      const { from_seq, expected_hash } = call.query;
      const signal = leaving(call.res, shutdown);
      const body = await audit.verify({ scope: scopeOf(call), from_seq, expected_hash, signal });
      return { status: 200, body };
    },
  });

const exportRoute = ({ audit, stall_ms = STALL_MS }: Deps) =>
  route({
    method: 'get',
    path: '/audit/export',
    group,
    role,
    summary: 'The sealed entries in order, one JSON object per line; the last line sums up.',
    query: exportAuditQuery,
    responses: { 200: { description: 'All of them.', media_type: MEDIA_TYPE } },
    async handler(call) {
      const { from_seq, to_seq } = call.query;
      const pieces = audit.export({ scope: scopeOf(call), from_seq, to_seq });
      const headers = { 'Content-Type': MEDIA_TYPE, 'Cache-Control': 'no-store' };
      return sendBytes(call.res, { status: 200, headers, pieces }, stall_ms);
    },
  });

type Scoped = Pick<Call<never, never, never>, 'principal' | 'project_id'> & { query: { scope: string } };

/** Throws `forbidden`: maintaining a project gives no right to what all of them share. */
function scopeOf({ query, principal, project_id }: Scoped): string {
  if (query.scope !== 'installation') return project_id;
  if (principal.permissions?.includes('installation:administer')) return INSTALLATION_SCOPE;
  throw new AppError('forbidden', { detail: 'This needs the permission installation:administer.' });
}

/** Throws `validation_failed` for a cursor that this list did not give. */
function positionOf(cursor: string | undefined): AuditPosition | undefined {
  return decodeCursor(cursor, { at: moment, id: uuid });
}
