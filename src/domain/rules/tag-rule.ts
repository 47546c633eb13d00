import { higherRole, type Role } from '../../contract/roles.ts';
import { matchesPattern } from './tag-pattern.ts';

/** What a write to a protected tag needs besides If-Match. */
export interface Guard {
  role: Role;
  /** Of others than the one who writes. */
  approvals: number;
}

/** A rule of a project: it guards every tag whose name its pattern means. */
export interface TagRule extends Guard {
  pattern: string;
  /** The tags are bound to this environment: only its deployments move them. Role and approvals say nothing then. */
  environment?: string;
}

/** What a tag's own flag asks for; also what it takes to set the flag or to take it away. */
export const FLAG_GUARD: Guard = { role: 'maintainer', approvals: 0 };

const MAX_CHARS = 200;
const SEGMENT = /^[A-Za-z0-9._*-]+$/;

/** True for segments of what tag names are made of and `*`, or `**` alone in its segment; at most 200 characters. */
export function isTagPattern(text: string): boolean {
  if (text.length > MAX_CHARS) return false;
  return text
    .split('/')
    .every((segment) => segment === '**' || (SEGMENT.test(segment) && !segment.includes('**')));
}

const isBinding = ({ environment }: TagRule): boolean => environment !== undefined;

/** The environment whose deployments alone move a tag; undefined: anybody may who passes its guard. */
export const environmentOf = (name: string, rules: readonly TagRule[]): string | undefined =>
  rules.find((rule) => isBinding(rule) && matchesPattern(rule.pattern, name))?.environment;

/** All that guards a tag taken together: the highest role and the most approvals. Undefined: it is not protected. */
export function guardOf(name: string, flag: boolean, rules: readonly TagRule[]): Guard | undefined {
  const guards: Guard[] = rules.filter((rule) => !isBinding(rule) && matchesPattern(rule.pattern, name));
  if (flag) guards.push(FLAG_GUARD);
  if (guards.length === 0) return undefined;
  return guards.reduce((one, other) => ({
    role: higherRole(one.role, other.role),
    approvals: Math.max(one.approvals, other.approvals),
  }));
}
