import { openApiDocument, type OpenApiDocument, type OpenApiInfo } from './openapi.ts';
import type { Route } from './route.ts';
import { documentationRoutes } from './routes/platform-docs.ts';

/** The rows that are mounted: those given, and the documentation. */
export function completeTable(given: readonly Route[], info: OpenApiInfo): Route[] {
  const rows = [...given];
  let document: OpenApiDocument | undefined;
  // Made at the first request for it: it costs more than all else at start.
  rows.push(...documentationRoutes(() => (document ??= openApiDocument(rows, info))));
  return rows;
}
