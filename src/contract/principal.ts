import { lowerRole, type Permission, type Role } from './roles.ts';

/** Who is calling, after authentication. */
export interface Principal {
  /** Stable id, `token:<name>` or `user:<uuid>`; stored as `created_by`, `moved_by`. */
  id: string;
  /** In a project that `roles` says nothing about, and where no project is concerned. */
  role: Role;
  permissions?: readonly Permission[];
  /** The only projects there are for this caller, the default one first; undefined: all. */
  projects?: readonly string[];
  /** What this caller is in each of `projects`, by id, where that differs. */
  roles?: Readonly<Record<string, Role>>;
  /** Of a token of somebody's. */
  user_id?: string;
  /** Of who has signed in. */
  session_id?: string;
  /** Of who came with a token of another issuer. */
  identity_id?: string;
  /** Of whom a program acts for. */
  api_key_id?: string;
}

/** Who calls an open route without a token. */
export const ANONYMOUS: Principal = { id: 'anonymous', role: 'viewer' };

/** What a caller is in a project; undefined: there is no such project for this caller. */
export function roleIn({ role, projects, roles }: Principal, project_id: string): Role | undefined {
  if (projects?.includes(project_id) === false) return undefined;
  return roles?.[project_id] ?? role;
}

/** A person as the store knows them. */
export interface Standing {
  user_id: string;
  permissions: readonly Permission[];
  /** In the order they came to be. */
  memberships: readonly { project_id: string; role: Role }[];
}

/** What an API key leaves of what its user may. */
export interface KeyScope {
  role: Role;
  projects: readonly string[] | null;
  permissions: readonly Permission[];
}

/** The administrator is one principal, by token as after signing in, so that nobody approves what they asked for. */
export const ADMIN_USER_ID = '00000000-0000-7000-8000-0000000000ad';
export const ADMIN_PRINCIPAL = 'token:admin';

export const principalIdOf = (user_id: string): string =>
  user_id === ADMIN_USER_ID ? ADMIN_PRINCIPAL : `user:${user_id}`;

/** What somebody may do: who administers the installation is an owner everywhere, others are what they were made. */
export function principalOf(standing: Standing, scope?: KeyScope): Principal {
  const { user_id, permissions, memberships } = standing;
  const id = principalIdOf(user_id);
  const given = scope ? permissions.filter((one) => scope.permissions.includes(one)) : permissions;
  const capped = (role: Role) => (scope ? lowerRole(role, scope.role) : role);
  if (permissions.includes('installation:administer')) {
    const limited = scope?.projects ? { projects: scope.projects } : {};
    return { id, user_id, role: capped('owner'), permissions: given, ...limited };
  }
  const visible = memberships.filter(({ project_id }) => scope?.projects?.includes(project_id) !== false);
  const roles = Object.fromEntries(visible.map(({ project_id, role }) => [project_id, capped(role)]));
  const projects = visible.map(({ project_id }) => project_id);
  return { id, user_id, role: capped('owner'), permissions: given, projects, roles };
}
