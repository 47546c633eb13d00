import { randomUUID } from 'node:crypto';
import type { Request, RequestHandler, Response } from 'express';
import type { Logger } from 'pino';
import type { Metrics } from '../../contract/metrics.ts';

export interface ArriveOptions {
  metrics: Metrics;
  logger: Pick<Logger, 'info' | 'debug'>;
}

const SANE_ID = /^[A-Za-z0-9._:@+/=-]{1,128}$/;
const UNMATCHED = 'unmatched';

/** First station: gives the request its id, and counts and logs it when it is over. */
export function arrive({ metrics, logger }: ArriveOptions): RequestHandler {
  return (req, res, next) => {
    const started_ms = performance.now();
    const request_id = sanitise(req.headers['x-request-id']) ?? newRequestId();
    res.locals.request_id = request_id;
    res.setHeader('X-Request-Id', request_id);
    res.once('close', () => {
      const seconds = (performance.now() - started_ms) / 1000;
      const route = routeOf(res);
      metrics.requestDone(route, req.method, statusOf(res), seconds);
      const level = res.locals.unmetered === true ? 'debug' : 'info';
      logger[level](
        { request_id, method: req.method, route, status: statusOf(res), ms: Math.round(seconds * 1e6) / 1e3 },
        'request',
      );
    });
    next();
  };
}

/** The pattern that was matched, never the address itself: that would make a new time series per id. */
export function routeOf(res: Response): string {
  return typeof res.locals.route === 'string' ? res.locals.route : UNMATCHED;
}

/** A UUID v7 from the runtime's buffered random bits: asking the kernel for new ones would be the dearest step here. */
function newRequestId(): string {
  const time = Date.now().toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-7${randomUUID().slice(15)}`;
}

function sanitise(header: Request['headers'][string]): string | undefined {
  return typeof header === 'string' && SANE_ID.test(header) ? header : undefined;
}

/** 499, as nginx has it: the caller left before there was an answer. A WebSocket is accepted beside the response. */
const statusOf = (res: Response): number =>
  res.headersSent || res.statusCode === 101 ? res.statusCode : 499;
