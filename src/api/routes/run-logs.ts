import type { RunLogs } from '../../domain/run-logs.ts';
import { sendBytes } from '../byte-stream.ts';
import { decodeCursor, pageReply } from '../cursor.ts';
import { route, type Route } from '../route.ts';
import { page, rowNumber } from '../schemas/conventions.ts';
import { logEntry, logsQuery } from '../schemas/run-logs.ts';
import { runParams } from '../schemas/runs.ts';

const STALL_MS = 30_000;
const TEXT = 'text/plain; charset=utf-8';

/** What the steps of a run wrote. */
export function runLogRoutes({ logs }: { logs: RunLogs }): Route[] {
  return [
    route({
      method: 'get',
      path: '/runs/:id/logs',
      group: 'runs',
      summary:
        'Output of the steps of a run: pages of JSON, or all of it as `text/plain` when that is accepted.',
      params: runParams,
      query: logsQuery,
      responses: { 200: { description: 'One page.', schema: page(logEntry) } },
      async handler({ params: { id }, query, project_id, req, res }) {
        const { limit, cursor, ...filter } = query;
        if (req.accepts(['application/json', 'text/plain']) === 'text/plain') {
          const pieces = logs.text(project_id, id, filter);
          return sendBytes(res, { status: 200, headers: { 'Content-Type': TEXT }, pieces }, STALL_MS);
        }
        const after = decodeCursor(cursor, { seq: rowNumber })?.seq ?? 0;
        const found = await logs.page({ project_id, id }, filter, after, limit);
        return pageReply(found, (seq) => ({ seq }));
      },
    }),
  ];
}
