import type { Request } from 'express';
import type { Principal } from '../../contract/principal.ts';
import { bearerAuthentication } from './bearer.ts';

const ada: Principal = { id: 'token:ada', role: 'owner' };
const bob: Principal = { id: 'token:bob', role: 'viewer' };
const authenticate = bearerAuthentication([
  { token: 'token-of-ada', principal: ada },
  { token: 'token-of-bob==', principal: bob },
]);
const showing = (authorization?: string) => authenticate({ headers: { authorization } } as Request);

it.each([
  ['Bearer token-of-ada', ada],
  ['bearer   token-of-ada', ada],
  ['Bearer token-of-bob==', bob],
])('%s is somebody', (header, principal) => {
  expect(showing(header)).toBe(principal);
});

it.each([
  undefined,
  '',
  'Bearer',
  'Bearer ',
  'Bearer token-of-ad',
  'Bearer token-of-adaa',
  'Bearer TOKEN-OF-ADA',
  'Bearer token-of-ada token-of-bob==',
  'Basic token-of-ada',
  'token-of-ada',
  'Bearer constructor',
])('%j is nobody', (header) => {
  expect(() => showing(header)).toThrow(expect.objectContaining({ code: 'unauthenticated' }) as Error);
});
