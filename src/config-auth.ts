import { bearerToken, field, integer, secretText, section, word } from './config-fields.ts';
import { oidc, refuseOwnIssuer } from './config-oidc.ts';
import { refuseSharedToken, tokens } from './config-tokens.ts';

/** Who may come in. */
export const auth = section({
  api_token: field(
    bearerToken.optional(),
    'Bearer token of the administrator; the embedded stack makes one.',
    {
      aliases: ['ORCHESTRATOR_API_TOKEN'],
      secret: true,
    },
  ),
  tokens: field(
    tokens.default([]),
    'Further bearer tokens: `name`, `token`, `role`, `projects`, `permissions`.',
    {
      secret: true,
      default_text: '🔒 none',
    },
  ),
  jwt_secret: field(
    secretText(32).optional(),
    'Keeps the keys that sign tokens; the embedded stack makes one. Another one signs everybody out.',
    { aliases: ['JWT_SECRET'], secret: true },
  ),
  admin_email: field(word.default('admin@localhost'), 'What the administrator signs in as at first.'),
  admin_password: field(
    secretText(12).optional(),
    'Password of the administrator until there is another; the embedded stack makes one.',
    { secret: true },
  ),
  issuer: field(word.default('orchestrator'), 'Who tokens say that they are from.'),
  audience: field(word.default('orchestrator'), 'Whom tokens say that they are for.'),
  token_hours: field(integer(1, 24 * 7).default(24), 'How long a token is good.'),
  session_days: field(integer(1, 366).default(30), 'How long refresh tokens are good after signing in.'),
  oidc,
})
  .superRefine(refuseSharedToken)
  .superRefine(refuseOwnIssuer);
