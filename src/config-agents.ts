import { z } from 'zod';
import { field, httpUrl, integer, section } from './config-fields.ts';
import { secret } from './config-secret.ts';

/** What the header `Authorization: Bearer` can carry. */
const token = z
  .string('must be text')
  .regex(/^[\x21-\x7e]{1,4096}$/, 'must be 1 to 4096 visible ASCII characters')
  .transform(secret);

/** A service that knows agents besides those that our database knows. */
export const agent_manager = section({
  base_url: field(
    httpUrl.refine(isPlain, 'must have no user, password, query or fragment').optional(),
    'Agent Manager whose agents are listed and chosen too ([agent-manager.md](agent-manager.md)).',
  ),
  token: field(token.optional(), 'Bearer token for it.', { secret: true }),
  timeout_seconds: field(integer(1, 300).default(5), 'For one request to it.'),
  refresh_seconds: field(
    integer(1, 300).default(5),
    'How often it is to be heard of; three times that in silence, and its agents are lost.',
  ),
}).superRefine(({ base_url, token }, context) => {
  if (token !== undefined && base_url === undefined)
    context.addIssue({ code: 'custom', path: ['base_url'], message: 'is required with agent_manager.token' });
});

function isPlain(text: string): boolean {
  if (!URL.canParse(text)) return true;
  const { username, password, search, hash } = new URL(text);
  return [username, password, search, hash].every((part) => part === '');
}
