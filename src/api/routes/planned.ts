import { plannedRoute, type Route } from '../route.ts';

type Row = [method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE', path: string, summary: string];

/** Routes of the contract that are not built yet: they are in the document and answer 501. */
const PLANNED: Readonly<Record<string, readonly Row[]>> = {
  projects: [
    ['GET', '/projects/:id/settings', 'Get the settings of a project.'],
    ['PUT', '/projects/:id/settings', 'Change the settings of a project.'],
  ],
};

/** A start of a built-in type that is not there yet answers 501 too, from the route that exists. */
export const plannedRoutes: readonly Route[] = Object.entries(PLANNED).flatMap(([group, rows]) =>
  rows.map(([method, path, summary]) =>
    plannedRoute({ method: method.toLowerCase() as Route['method'], path, group, summary }),
  ),
);
