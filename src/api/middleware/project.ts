import type { Request } from 'express';
import { AppError } from '../../contract/errors.ts';
import type { Principal } from '../route.ts';

/** What the API needs to know about projects; `src/domain/projects.ts` is one. */
export interface ProjectDirectory {
  default_project_id: string;
  exists(id: string): boolean | Promise<boolean>;
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/**
 * The project of a call: `?project_id=` or `X-Project-Id`, else the caller's default one. Malformed 422; unknown, or not
 * the caller's, 404.
 */
export async function resolveProject(
  projects: ProjectDirectory,
  { req, principal }: { req: Request; principal: Principal },
  from_query: string | string[] | undefined,
): Promise<string> {
  const from_header = req.headers['x-project-id'];
  const wanted = from_query ?? from_header ?? principal.projects?.[0];
  if (wanted === undefined) return projects.default_project_id;
  const path = from_query === undefined ? '/headers/x-project-id' : '/query/project_id';
  if (typeof wanted !== 'string' || !UUID.test(wanted)) throw invalid(path, 'must be one UUID');
  const id = wanted.toLowerCase();
  if (from_query !== undefined && from_header !== undefined && String(from_header).toLowerCase() !== id) {
    throw invalid(path, 'differs from X-Project-Id');
  }
  if (principal.projects?.includes(id) === false) throw new AppError('not_found');
  if (!(await projects.exists(id))) throw new AppError('not_found');
  return id;
}

const invalid = (path: string, message: string) =>
  new AppError('validation_failed', { errors: [{ path, message }] });
