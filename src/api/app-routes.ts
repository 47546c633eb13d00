import { openApiDocument, type OpenApiDocument, type OpenApiInfo } from './openapi.ts';
import type { Route } from './route.ts';
import { documentationRoutes } from './routes/platform-docs.ts';

/** The rows that are mounted: those given, without planned ones that were built meanwhile, and the documentation. */
export function completeTable(given: readonly Route[], info: OpenApiInfo): Route[] {
  const built = new Set(given.filter((row) => row.handler).map(nameOf));
  const rows = given.filter((row) => row.handler !== undefined || !built.has(nameOf(row)));
  let document: OpenApiDocument | undefined;
  // Made at the first request for it: it costs more than all else at start.
  rows.push(...documentationRoutes(() => (document ??= openApiDocument(rows, info))));
  return rows;
}

const nameOf = (row: Route): string => `${row.method} ${row.root ? 'root ' : ''}${row.path}`;
