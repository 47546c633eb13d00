import type { Request } from 'express';
import { AppError } from '../../contract/errors.ts';
import { type Principal, roleIn } from '../../contract/principal.ts';
import type { Role } from '../../contract/roles.ts';
import type { ProjectDirectory } from '../../domain/projects.ts';
import type { Route } from '../route.ts';
import type { Query } from './query.ts';

/** A project that a request names, and where. */
export interface NamedProject {
  id: string | string[];
  at: string;
}

/** The project of a call, and what its caller is there. */
export interface ResolvedProject {
  id: string;
  role: Role;
  is_archived: boolean;
}

/** Throws `validation_failed` when the path of a route whose `:id` is the project, and the query, name different ones. */
export function namedProject(
  { project_in_path }: Pick<Route, 'project_in_path'>,
  { id }: Record<string, string>,
  { project_id }: Query,
): NamedProject | undefined {
  const in_query = project_id === undefined ? undefined : { id: project_id, at: '/query/project_id' };
  if (!project_in_path || id === undefined) return in_query;
  if (in_query && String(in_query.id).toLowerCase() !== id.toLowerCase())
    throw invalid(in_query.at, 'differs from that of the path');
  return { id, at: '/path/id' };
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/**
 * The project of a call: the one that the request names (`?project_id=`, a path), or `X-Project-Id`, else the caller's
 * default one. Malformed, or two that differ, 422; unknown, or not the caller's, 404.
 */
export async function resolveProject(
  projects: ProjectDirectory,
  { req, principal }: { req: Request; principal: Principal },
  named?: NamedProject,
): Promise<ResolvedProject> {
  const from_header = req.headers['x-project-id'];
  const wanted = named?.id ?? from_header ?? principal.projects?.[0] ?? projects.default_project_id;
  const path = named?.at ?? '/headers/x-project-id';
  if (typeof wanted !== 'string' || !UUID.test(wanted)) throw invalid(path, 'must be one UUID');
  const id = wanted.toLowerCase();
  if (named !== undefined && from_header !== undefined && String(from_header).toLowerCase() !== id) {
    throw invalid(path, 'differs from X-Project-Id');
  }
  const role = roleIn(principal, id);
  const standing = role && (await projects.statusOf(id));
  if (!role || !standing) throw new AppError('not_found');
  return { id, role, is_archived: standing === 'archived' };
}

const invalid = (path: string, message: string) =>
  new AppError('validation_failed', { errors: [{ path, message }] });
