import { z } from 'zod';
import { field, flag, httpUrl, integer, list, section, word } from './config-fields.ts';
import { parsed } from './config-tokens.ts';
import { ROLES } from './contract/roles.ts';

/** With public keys only: whoever can check a token must not be able to make one. */
const ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
] as const;
const DEFAULT_ALGORITHMS: (typeof ALGORITHMS)[number][] = ['RS256', 'PS256', 'ES256', 'EdDSA'];

const mapping = z.strictObject(
  {
    value: z.string('must be text').min(1, 'must not be empty'),
    project: z.guid('must be the id of a project').transform((id) => id.toLowerCase()),
    role: z.enum(ROLES, `must be one of ${ROLES.join(', ')}`),
  },
  { error: (issue) => (issue.code === 'invalid_type' ? 'must be a mapping' : undefined) },
);

/** An OpenID issuer whose tokens are taken besides our own. */
export const oidc = section({
  issuer: field(
    httpUrl.refine(isPlain, 'must have no user, password, query or fragment').optional(),
    'OpenID issuer whose tokens are taken, as its discovery document spells it ([identity.md](identity.md)).',
  ),
  audience: field(list.default([]), 'Whom its tokens have to be for: one of these, such as the client id.'),
  algorithms: field(
    list
      .pipe(z.array(z.enum(ALGORITHMS, `must be of ${ALGORITHMS.join(', ')}`)).min(1, 'must name one'))
      .default(DEFAULT_ALGORITHMS),
    'How its tokens may be signed.',
    { default_text: `\`${DEFAULT_ALGORITHMS.join(',')}\`` },
  ),
  create_users: field(
    flag.default(false),
    'Make a user of whoever comes with such a token for the first time.',
  ),
  link_by_email: field(
    flag.default(false),
    'Take whoever has the verified email of a user for that user: only for an issuer that may name anybody.',
  ),
  email_claim: field(word.default('email'), 'Where the email is; taken over with `email_verified` only.'),
  name_claim: field(word.default('name'), 'Where the name is.'),
  roles_claim: field(word.optional(), 'Where roles or groups are, such as `groups` or `realm_access.roles`.'),
  role_mapping: field(
    z
      .preprocess(
        (value) => (typeof value === 'string' ? parsed(value) : value),
        z.array(mapping, 'must be a list, as JSON in the environment'),
      )
      .default([]),
    'What a new user is: `value` of the roles claim, `project`, `role`.',
  ),
  allow_hosts: field(list.default([]), 'Private hosts that its keys are at, besides its own.'),
  keys_cool_down_seconds: field(
    integer(0, 3_600).default(10),
    'How long the issuer is left alone after it was asked for its keys.',
  ),
}).superRefine(({ issuer, audience, role_mapping, roles_claim }, context) => {
  const need = (path: string, message: string) => context.addIssue({ code: 'custom', path: [path], message });
  // Without one a token for any other service of the issuer would do.
  if (issuer !== undefined && audience.length === 0) need('audience', 'is required with auth.oidc.issuer');
  if (role_mapping.length > 0 && roles_claim === undefined)
    need('roles_claim', 'is required with auth.oidc.role_mapping');
});

/** Who signed a token has to be known before it is verified. */
export function refuseOwnIssuer(
  auth: { issuer: string; oidc: { issuer?: string } },
  context: z.RefinementCtx,
): void {
  if (context.issues.length === 0 && auth.issuer === auth.oidc.issuer)
    context.addIssue({ code: 'custom', path: ['oidc', 'issuer'], message: 'is our own, auth.issuer' });
}

function isPlain(text: string): boolean {
  if (!URL.canParse(text)) return true;
  const { username, password, search, hash } = new URL(text);
  return [username, password, search, hash].every((part) => part === '');
}
