import { INSTALLATION_SCOPE } from '../../contract/audit.ts';
import { AppError } from '../../contract/errors.ts';
import { principalIdOf } from '../../contract/principal.ts';
import { higherRole, type Role } from '../../contract/roles.ts';
import type { IdentityStanding, UserIdentityRepository } from '../../persistence/user-identities.ts';
import type { AuditLog } from '../audit-log.ts';
import type { OidcClaims } from './oidc-tokens.ts';

/** What somebody with `value` in the roles of their first token becomes in a project. */
export interface RoleMapping {
  value: string;
  project: string;
  role: Role;
}

export interface OidcPeopleOptions {
  identities: UserIdentityRepository;
  audit: AuditLog;
  /** Makes a user of whoever comes for the first time. */
  create_users: boolean;
  /** Takes whoever has the verified address of a user for that user. */
  link_by_email: boolean;
  role_mapping: readonly RoleMapping[];
  ids: () => string;
}

/** Which user of ours a token of an issuer is of. */
export function oidcPeople(options: OidcPeopleOptions) {
  const { identities } = options;
  return {
    /** What that user may do. Throws `unauthenticated` for who is nobody here, or not to come in any more. */
    async standing(claims: OidcClaims): Promise<IdentityStanding> {
      const found = (await identities.standing(claims)) ?? (await atFirstSight(options, claims));
      if (found?.status !== 'active') throw new AppError('unauthenticated');
      return found;
    },
  };
}

export type OidcPeople = ReturnType<typeof oidcPeople>;

async function atFirstSight(
  options: OidcPeopleOptions,
  claims: OidcClaims,
): Promise<IdentityStanding | undefined> {
  const { identities, link_by_email, create_users } = options;
  const is_linked = link_by_email && (await link(options, claims));
  const is_made = !is_linked && create_users && (await make(options, claims));
  const found = await identities.standing(claims);
  if (!found) throw new AppError('unauthenticated', UNKNOWN);
  if (is_linked || is_made) await note(options.audit, found, is_made ? 'made' : 'linked');
  return found;
}

async function link({ identities, ids }: OidcPeopleOptions, { issuer, subject, email }: OidcClaims) {
  return email !== undefined && identities.linkByEmail({ id: ids(), issuer, subject }, email);
}

/** False: somebody was faster. */
async function make(
  { identities, ids, role_mapping }: OidcPeopleOptions,
  claims: OidcClaims,
): Promise<boolean> {
  const { issuer, subject, email, name } = claims;
  const user_id = ids();
  const outcome = await identities.create({
    id: ids(),
    issuer,
    subject,
    // RFC 2606: nobody's address, and never anybody's.
    user: { id: user_id, email: email ?? `${user_id}@users.invalid`, name, created_by: `oidc:${issuer}` },
    memberships: membershipsOf(role_mapping, claims.roles),
  });
  if (outcome === 'email_taken') throw new AppError('unauthenticated', TAKEN);
  return outcome === 'made';
}

/** The highest of the roles in each project. */
function membershipsOf(mapping: readonly RoleMapping[], roles: readonly string[]) {
  const by_project = new Map<string, Role>();
  for (const { value, project, role } of mapping)
    if (roles.includes(value)) by_project.set(project, higherRole(role, by_project.get(project) ?? role));
  return [...by_project].map(([project_id, role]) => ({ project_id, role }));
}

/** Nobody called a route for it, so the entry says what it is as if somebody had. */
const note = (audit: AuditLog, { user_id, identity_id }: IdentityStanding, what: 'made' | 'linked') =>
  audit.append({
    scope: INSTALLATION_SCOPE,
    principal: principalIdOf(user_id),
    credential: `identity:${identity_id}`,
    action: `OIDC user ${what}`,
    target: `/users/${user_id}`,
    status: what === 'made' ? 201 : 200,
    request_id: '',
    address: '',
    user_agent: null,
    body_digest: null,
    replayed: false,
  });

const UNKNOWN = { detail: 'The issuer knows this caller, and this installation does not.' };
const TAKEN = { detail: 'The address of this caller is that of a user who is not linked to the issuer.' };
