import { MOUNTS } from './middleware/dispatch.ts';
import type { Route } from './route.ts';

/** A route's path as the document and traces name it: `/api/v1/tags/{name}`. */
export function documentedRoute(row: Pick<Route, 'root' | 'path'>): string {
  return (row.root ? '' : MOUNTS[0]) + row.path.replaceAll(/:(\w+)/g, '{$1}');
}

/** `POST /tags/:name/move` → `post_tags_by_name_move`; unique because method and path are. */
export function operationId(row: Pick<Route, 'method' | 'path'>): string {
  const words = row.path.replaceAll(/:(\w+)/g, 'by_$1').split(/[^A-Za-z0-9_]+/);
  return [row.method, ...words].filter((word) => word !== '').join('_');
}
