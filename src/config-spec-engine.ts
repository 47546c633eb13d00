import { z } from 'zod';
import { address, field, httpUrl, integer, list, section } from './config-fields.ts';
import { secret } from './config-secret.ts';

/** What the header `Authorization: Bearer` can carry. */
const token = z
  .string('must be text')
  .regex(/^[\x21-\x7e]{1,4096}$/, 'must be 1 to 4096 visible ASCII characters')
  .transform(secret);

const LOOPBACK = /^(?:127\.\d+\.\d+\.\d+|localhost|\[::1\]):\d+$/;

/** Who writes changes of workflows from instructions. */
export const spec_engine = section({
  url: field(
    httpUrl.refine(isPlain, 'must have no user, password, query or fragment').optional(),
    'Spec Engine to use for refinements ([spec-engine.md](spec-engine.md)); without it the language model, or else the rules of the product.',
    { aliases: ['SPEC_ENGINE_URL'] },
  ),
  token: field(token.optional(), 'Bearer token that is sent to it, and that ours asks for.', {
    secret: true,
  }),
  timeout_seconds: field(
    integer(1, 300).default(30),
    'For one request to it, and for silence on its stream.',
  ),
  work_seconds: field(integer(1, 3600).default(300), 'For all the work on one refinement.'),
  allow_hosts: field(
    list.default([]),
    'Hosts and CIDR ranges that its name may stand for although they are internal.',
  ),
  listen: field(
    address.default('127.0.0.1:50061'),
    'Where `npm run spec-engine` listens; beyond loopback with a token only.',
  ),
}).superRefine(({ listen, token }, context) => {
  if (token === undefined && !LOOPBACK.test(listen))
    context.addIssue({
      code: 'custom',
      path: ['token'],
      message: 'is required when spec_engine.listen is not loopback',
    });
});

function isPlain(text: string): boolean {
  if (!URL.canParse(text)) return true;
  const { username, password, search, hash } = new URL(text);
  return [username, password, search, hash].every((part) => part === '');
}
