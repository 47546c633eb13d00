import type { ScheduleService } from '../../domain/schedules.ts';
import { decodeCursor, pageReply } from '../cursor.ts';
import { route, type Route } from '../route.ts';
import { page, rowText, uuid } from '../schemas/conventions.ts';
import { listSchedulesQuery, scheduleView } from '../schemas/schedules.ts';

/** Schedules of live definitions. */
export function scheduleRoutes({ schedules }: { schedules: ScheduleService }): Route[] {
  return [
    route({
      method: 'get',
      path: '/schedules',
      group: 'hooks',
      summary: 'Schedules of live definitions, beside what Temporal makes of them.',
      query: listSchedulesQuery,
      responses: { 200: { description: 'One page, by workflow.', schema: page(scheduleView) } },
      async handler({ query, project_id }) {
        const { limit, cursor, workflow } = query;
        const after = decodeCursor(cursor, { workflow: rowText, id: uuid });
        return pageReply(await schedules.list({ project_id, workflow }, { after, limit }), (next) => ({
          ...next,
        }));
      },
    }),
  ];
}
