import type { z } from 'zod';
import type { JsonObject } from '../../contract/json.ts';
import type { RunState } from '../../contract/run.ts';
import type { BulkOrder, BulkProgress, BulkService } from '../../domain/bulk.ts';
import { decodeCursor, encodeCursor } from '../cursor.ts';
import { route, type Route } from '../route.ts';
import { bulkBody, bulkParams, bulkPreview, bulkQuery, bulkView } from '../schemas/bulk.ts';
import { uuid } from '../schemas/conventions.ts';
import { checkPayload, expiryOf } from './run-commands.ts';

interface Deps {
  bulk: BulkService;
  clock: () => Date;
}

type Body = z.output<typeof bulkBody>;

const group = 'runs';

/** One command for many runs. */
export function bulkRoutes({ bulk, clock }: Deps): Route[] {
  return [
    route({
      method: 'post',
      path: '/runs/bulk',
      group,
      summary: 'Send a command to every run that a filter matches.',
      body: bulkBody,
      responses: {
        202: {
          description: 'Accepted: every run that matches now will be told.',
          schema: bulkView,
          headers: { Location: 'How far it is.' },
        },
        200: { description: 'What it would do.', schema: bulkPreview },
      },
      async handler({ body, project_id, principal }) {
        const command = orderOf(body.command, clock());
        const filter = body.filter as JsonObject;
        const request = { project_id, filter, runs: runsOf(body.filter), command };
        if (body.dry_run) {
          const found = await bulk.preview(request);
          return { status: 200, body: { dry_run: true, filter, command, ...found } };
        }
        const started = await bulk.start({ ...request, actor: principal.id });
        const headers = { Location: `/api/v1/bulk/${started.id}` };
        return { status: 202, body: viewOf(started), headers };
      },
    }),
    route({
      method: 'get',
      path: '/bulk/:id',
      group,
      summary: 'How far a bulk command is, and which runs did not take it.',
      params: bulkParams,
      query: bulkQuery,
      responses: { 200: { description: 'Its progress.', schema: bulkView } },
      async handler({ params, query: { limit, cursor }, project_id }) {
        const after = decodeCursor(cursor, { run_id: uuid })?.run_id;
        return { status: 200, body: viewOf(await bulk.get(project_id, params.id, { after, limit })) };
      },
    }),
  ];
}

/** Every run gets the same moment, whenever it is told. */
function orderOf({ type, payload: given, ...limits }: Body['command'], now: Date): BulkOrder {
  const { payload, reason = null } = checkPayload(type, given as JsonObject, '/command');
  const expiry = expiryOf(limits, '/command');
  if (!expiry) return { type, payload, reason, expires_at: null };
  const at = 'at' in expiry ? expiry.at : new Date(now.getTime() + expiry.in_seconds * 1_000);
  return { type, payload, reason, expires_at: at.toISOString() };
}

function runsOf({ status, label, ...rest }: Body['filter']) {
  const labels = label === undefined ? undefined : Object.fromEntries([label].flat().map(pairOf));
  return {
    ...rest,
    states: typeof status === 'string' ? (status.split(',') as RunState[]) : status,
    labels,
  };
}

function pairOf(text: string): [string, string] {
  const colon = text.indexOf(':');
  return [text.slice(0, colon), text.slice(colon + 1)];
}

function viewOf({ rejected, project_id: _project, lease_until: _lease, ...row }: BulkProgress) {
  const { items, next } = rejected;
  return {
    ...row,
    state: row.ended_at === null ? 'running' : 'completed',
    rejected: items,
    next_cursor: next === undefined ? null : encodeCursor({ run_id: next }),
    created_at: row.created_at.toISOString(),
    ended_at: row.ended_at?.toISOString() ?? null,
  };
}
