import { z } from 'zod';
import { isFinal } from '../../contract/run.ts';
import type { EventTail } from '../../domain/event-tail.ts';
import type { RunFeed } from '../../domain/run-feed.ts';
import type { RunReads } from '../../domain/run-reads.ts';
import type { RunService } from '../../domain/runs.ts';
import { feedOfProject, feedOfRun, placeInLog } from '../event-feeds.ts';
import { lastEventId, streamEvents } from '../event-stream.ts';
import { route, type Route } from '../route.ts';
import { projectSocketQuery, runSocketQuery } from '../schemas/events.ts';
import { runParams } from '../schemas/runs.ts';
import { streamToSocket } from '../sockets/socket-stream.ts';

interface Deps {
  runs: Pick<RunService, 'get'>;
  reads: Pick<RunReads, 'moreEvents'>;
  feed: RunFeed;
  tail: EventTail;
  /** Aborted at shutdown, so that streams end. */
  shutdown: AbortSignal;
}

const group = 'streams';
const UPGRADED = {
  101: { description: 'A WebSocket: a text frame `{"id", "event"}` per event.' },
  426: { description: 'This is no request for a WebSocket.' },
};

/** Events as they come: of a run and of all runs of a project, as server-sent events and over WebSockets. */
export function eventStreamRoutes(deps: Deps): Route[] {
  return [runStream(deps), runSocket(deps), projectStream(deps), projectSocket(deps)];
}

function runStream({ runs, reads, feed, shutdown }: Deps): Route {
  return route({
    method: 'get',
    path: '/runs/:id/events/stream',
    group: 'runs',
    summary: 'The events of a run as they come (SSE); resumes after `Last-Event-ID`.',
    params: runParams,
    responses: {
      200: { description: 'A stream of events.', media_type: 'text/event-stream' },
      204: { description: 'There is nothing after `Last-Event-ID`, and there will not be.' },
    },
    async handler({ params: { id }, project_id, req, res }) {
      await runs.get(project_id, id);
      return streamEvents({
        req,
        res,
        feed: feedOfRun({ reads, feed }, id),
        from: lastEventId(req),
        isOver: async () => isFinal((await runs.get(project_id, id)).state),
        signal: shutdown,
      });
    },
  });
}

function runSocket({ runs, reads, feed, shutdown }: Deps): Route {
  return route({
    method: 'get',
    path: '/ws/runs/:id',
    group,
    summary: 'WebSocket: the events of a run as they come; resumes after `last_event_id`.',
    params: runParams,
    query: runSocketQuery,
    responses: UPGRADED,
    async handler({ params: { id }, query: { last_event_id = 0 }, project_id, req, res }) {
      await runs.get(project_id, id);
      return streamToSocket({
        req,
        res,
        feed: feedOfRun({ reads, feed }, id),
        from: last_event_id,
        isOver: async () => isFinal((await runs.get(project_id, id)).state),
        signal: shutdown,
      });
    },
  });
}

function projectStream({ tail, shutdown }: Deps): Route {
  return route({
    method: 'get',
    path: '/events/stream',
    group,
    summary: 'The events of all runs of a project as they come (SSE); resumes after `Last-Event-ID`.',
    query: z.strictObject({}),
    responses: { 200: { description: 'A stream of events.', media_type: 'text/event-stream' } },
    async handler({ project_id, req, res }) {
      const header = req.headers['last-event-id'];
      const id = header === undefined || header === '' ? undefined : String(header);
      const from = await placeInLog(tail, id, '/headers/last-event-id');
      return streamEvents({ req, res, feed: feedOfProject(tail, project_id), from, signal: shutdown });
    },
  });
}

function projectSocket({ tail, shutdown }: Deps): Route {
  return route({
    method: 'get',
    path: '/ws/runs',
    group,
    summary: 'WebSocket: the events of all runs of a project as they come; resumes after `last_event_id`.',
    query: projectSocketQuery,
    responses: UPGRADED,
    async handler({ query, project_id, req, res }) {
      const from = await placeInLog(tail, query.last_event_id, '/query/last_event_id');
      return streamToSocket({ req, res, feed: feedOfProject(tail, project_id), from, signal: shutdown });
    },
  });
}
