import { type TestAnswer } from '../../../src/api/app-fixture.ts';
import type { WholeApi } from '../idempotency/whole-api.ts';

export const PASSWORD = 'correct horse battery staple';

export interface SignedIn {
  token: string;
  user_id: string;
  expires_at: string;
  refresh_token: string;
}

/** Somebody with a way to call the API. */
export interface Somebody extends SignedIn {
  email: string;
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<TestAnswer>;
}

export const callAs =
  ({ api }: WholeApi, token?: string) =>
  (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) =>
    api.call(method, `/api/v1${path}`, {
      body,
      headers: { ...(token !== undefined && { authorization: `Bearer ${token}` }), ...headers },
    });

export const signIn = async (whole: WholeApi, email: string, password = PASSWORD): Promise<SignedIn> => {
  const answer = await callAs(whole)('POST', '/auth/login', { email, password });
  expect([answer.status, answer.text]).toEqual([200, answer.text]);
  return answer.json<SignedIn>();
};

let made = 0;

/** A new user who has signed in; a member of the given project, if one is given. */
export async function somebody(
  whole: WholeApi,
  member?: { project_id: string; role: string },
  more: Record<string, unknown> = {},
): Promise<Somebody> {
  const email = `person${++made}@example.org`;
  const asAdmin = callAs(whole);
  const created = await asAdmin('POST', '/users', { email, password: PASSWORD, ...more });
  expect([created.status, created.text]).toEqual([201, created.text]);
  if (member) {
    const { project_id, role } = member;
    expect((await asAdmin('POST', `/projects/${project_id}/members`, { email, role })).status).toBe(201);
  }
  const signed = await signIn(whole, email);
  return { ...signed, email, call: callAs(whole, signed.token) };
}
