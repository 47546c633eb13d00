import express, { type Express, type RequestHandler } from 'express';
import helmet from 'helmet';
import type { Logger } from 'pino';
import { AppError } from '../contract/errors.ts';
import type { Metrics } from '../contract/metrics.ts';
import { type Allowance, localAllowance } from '../domain/allowance.ts';
import type { AuditLog } from '../domain/audit-log.ts';
import type { IdempotencyService } from '../domain/idempotency.ts';
import type { ProjectDirectory } from '../domain/projects.ts';
import { completeTable } from './app-routes.ts';
import { errorHandler } from './error-handler.ts';
import { arrive } from './middleware/arrive.ts';
import type { Authenticate } from './middleware/bearer.ts';
import { dispatcher } from './middleware/dispatch.ts';
import { pipeline, type ApiLimits, type PipelineOptions } from './middleware/pipeline.ts';
import { rateLimiter } from './middleware/rate-limit.ts';
import { traced } from './middleware/span.ts';
import type { OpenApiInfo } from './openapi.ts';
import type { Route } from './route.ts';

export interface AppOptions {
  routes: readonly Route[];
  authenticate: Authenticate;
  projects: ProjectDirectory;
  idempotency: IdempotencyService;
  audit: AuditLog;
  logger: Pick<Logger, 'debug' | 'info' | 'warn' | 'error'>;
  metrics: Metrics;
  limits: ApiLimits;
  /** What callers may ask for; without it this application counts by itself. */
  allowance?: Allowance;
  openapi: OpenApiInfo;
  /** Turns errors of drivers into `AppError`s: `asDatabaseError`. */
  translateError: (error: unknown) => unknown;
  /** A span per request; only worth its price when something collects them. */
  tracing?: boolean;
  /** Checks every reply against the schema it was declared with; a mismatch is a 500. For tests. */
  verify_replies?: boolean;
  /** Serves what no route takes, such as a web console; the rest is 404. */
  fallback?: RequestHandler;
}

/** The HTTP application: all routes under `/api/v1` and `/api`, root routes at the root. Listening is the caller's. */
export function createApp(options: AppOptions): Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.set('query parser', false);
  app.use(inTurn(arrive(options), securityHeaders, dispatcher(mountRoutes(options))));
  if (options.fallback) app.use(options.fallback);
  app.use(() => {
    throw new AppError('not_found', { detail: 'No such route.' });
  });
  app.use(errorHandler(options));
  return app;
}

/** Nothing the API answers is a page, so a browser may do nothing with it; pages set a policy of their own. */
const securityHeaders = helmet({
  contentSecurityPolicy: {
    useDefaults: false,
    directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] },
  },
  xFrameOptions: { action: 'deny' },
  // These concern pages of old browsers, and every header costs on every answer.
  crossOriginOpenerPolicy: false,
  originAgentCluster: false,
  xDnsPrefetchControl: false,
  xDownloadOptions: false,
  xPermittedCrossDomainPolicies: false,
  xXssProtection: false,
});

/** Handlers as one: between two of its own, Express does more work than these handlers do. */
function inTurn(...handlers: RequestHandler[]): RequestHandler {
  return handlers.reduceRight<RequestHandler>(
    (after, handler) => (req, res, next) =>
      void handler(req, res, (error?: unknown) =>
        error === undefined ? void after(req, res, next) : next(error),
      ),
    (_req, _res, next) => next(),
  );
}

function mountRoutes(options: AppOptions) {
  const { limits, logger, tracing = false } = options;
  const rule = { per_second: limits.rate_per_second, burst: limits.rate_burst };
  const rate_limiter = rateLimiter(options.allowance ?? localAllowance(rule));
  const onError = (error: unknown) => logger.warn({ err: error }, 'idempotency key not settled');
  const stages: PipelineOptions = { ...options, rate_limiter, onError };
  return completeTable(options.routes, options.openapi).map((row) => {
    const serve = pipeline(row, stages);
    return { row, serve: tracing ? traced(row, serve) : serve };
  });
}
