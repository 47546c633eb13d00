/** What a principal is in a project. Each may do what those before it may. */
export const ROLES = ['viewer', 'editor', 'operator', 'maintainer', 'owner'] as const;
export type Role = (typeof ROLES)[number];

/** Rights that no role brings: they are given by name. */
export const PERMISSIONS = ['tag:break_glass', 'installation:administer'] as const;
export type Permission = (typeof PERMISSIONS)[number];

/** Whether `actual` may do what `wanted` may. */
export const hasRole = (actual: Role, wanted: Role): boolean =>
  ROLES.indexOf(actual) >= ROLES.indexOf(wanted);

/** Of two roles the one that may do more. */
export const higherRole = (one: Role, other: Role): Role => (hasRole(one, other) ? one : other);

/** Of two roles the one that may do less. */
export const lowerRole = (one: Role, other: Role): Role => (hasRole(one, other) ? other : one);
