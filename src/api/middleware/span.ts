import { context, propagation, SpanKind, SpanStatusCode, trace, type Span } from '@opentelemetry/api';
import { AppError } from '../../contract/errors.ts';
import { STATUS_OF_FAMILY } from '../error-handler.ts';
import { documentedRoute } from '../openapi-names.ts';
import type { Route } from '../route.ts';
import type { Arrival, Serve } from './pipeline.ts';

/** Serves within a server span that continues the caller's trace (W3C traceparent). */
export function traced(row: Route, serve: Serve): Serve {
  const tracer = trace.getTracer('orchestrator');
  const route = documentedRoute(row);
  const name = `${row.method.toUpperCase()} ${route}`;
  return (arrival) => {
    const parent = propagation.extract(context.active(), arrival.req.headers);
    const attributes = attributesOf(arrival, route);
    const span = tracer.startSpan(name, { kind: SpanKind.SERVER, attributes }, parent);
    arrival.res.once('close', () => end(span, arrival));
    return context.with(trace.setSpan(parent, span), () =>
      serve(arrival).catch((error: unknown) => fail(span, error)),
    );
  };
}

function attributesOf({ req, path, params }: Arrival, route: string) {
  return {
    'http.request.method': req.method,
    'http.route': route,
    'url.path': path,
    ...(route.includes('/runs/{id}') && params.id !== undefined ? { 'orchestrator.run_id': params.id } : {}),
  };
}

function end(span: Span, { res }: Arrival): void {
  span.setAttribute('http.response.status_code', res.statusCode);
  span.setAttribute('orchestrator.request_id', String(res.locals.request_id));
  if (res.statusCode >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
  span.end();
}

/** Notes a failure that is ours; what the caller did wrong is no error of this service. Its text stays in the log. */
function fail(span: Span, error: unknown): never {
  const known = error instanceof AppError ? error : undefined;
  if (!known || STATUS_OF_FAMILY[known.family] >= 500) {
    span.recordException({
      name: error instanceof Error ? error.name : typeof error,
      message: known?.code ?? 'internal',
    });
  }
  throw error;
}
