import type { LimitService } from '../../domain/limits.ts';
import { decodeCursor, pageReply } from '../cursor.ts';
import { route, type Route } from '../route.ts';
import { page, rowText } from '../schemas/conventions.ts';
import { limitView, listLimitsQuery } from '../schemas/limits.ts';

/** Where runs wait for each other. */
export function limitRoutes({ limits }: { limits: LimitService }): Route[] {
  return [
    route({
      method: 'get',
      path: '/limits',
      group: 'runs',
      summary: 'Keys of concurrency, rate and start ids that open runs have: who holds them, who waits.',
      query: listLimitsQuery,
      responses: { 200: { description: 'One page, by kind.', schema: page(limitView) } },
      async handler({ query: { limit, cursor }, project_id }) {
        const after = decodeCursor(cursor, { kind: rowText, digest: rowText });
        return pageReply(await limits.list(project_id, { limit, after }), (next) => ({ ...next }));
      },
    }),
  ];
}
