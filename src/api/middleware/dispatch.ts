import type { RequestHandler, Response } from 'express';
import { AppError } from '../../contract/errors.ts';
import type { Route } from '../route.ts';
import { letPagesCall, preflightFor } from './cors.ts';
import type { Serve } from './pipeline.ts';
import { splitUrl } from './query.ts';
import { routeTable } from './route-table.ts';

export interface Mounted {
  row: Route;
  serve: Serve;
}

/** Prefixes every route is served under; the first one is canonical. */
export const MOUNTS = ['/api/v1', '/api'] as const;

/** Where a route is served. */
export function mountedPaths(row: Pick<Route, 'root' | 'path'>): string[] {
  return row.root ? [row.path] : MOUNTS.map((mount) => mount + row.path);
}

/** Hands a request to its route; one that no route takes goes on. */
export function dispatcher(mounted: readonly Mounted[]): RequestHandler {
  const table = routeTable<Mounted>();
  for (const entry of mounted) {
    for (const path of mountedPaths(entry.row)) table.add(entry.row.method.toUpperCase(), path, entry);
  }
  return (req, res, next) => {
    const { pathname, search } = splitUrl(req.url);
    const found = table.find(req.method, pathname);
    if (!found) return next();
    if ('allow' in found) {
      const wanted = table.find(preflightFor(req) ?? '', pathname);
      if (wanted && 'entry' in wanted) letPagesCall(wanted.entry.row, req, res);
      return refuseMethod(req.method, found.allow, res);
    }
    const { row, serve } = found.entry;
    letPagesCall(row, req, res);
    res.locals.route = row.path;
    res.locals.unmetered = row.unmetered;
    const path = row.root
      ? pathname
      : pathname.slice(pathname.startsWith(MOUNTS[0]) ? MOUNTS[0].length : MOUNTS[1].length);
    serve({ req, res, path, search, params: found.params }).catch(next);
  };
}

function refuseMethod(method: string, allow: string[], res: Response): void {
  res.setHeader('Allow', [...allow, 'OPTIONS'].join(', '));
  if (method !== 'OPTIONS') throw new AppError('method_not_allowed');
  res.statusCode = 204;
  res.end();
}
