import { testDatabase, type TestDatabase } from '../../test/support/database.ts';
import { newId } from '../ids.ts';
import { type Database, openDatabase } from './db.ts';
import { userIdentityRepository } from './user-identities.ts';

const ISSUER = 'https://id.example.org';
const PROJECT = '00000000-0000-7000-8000-000000000001';

let test_db: TestDatabase;
let database: Database;
beforeAll(async () => {
  test_db = await testDatabase();
  database = openDatabase({ url: test_db.url, max_connections: 10 });
});
afterAll(async () => {
  await database.close();
  await test_db.drop();
});

const identities = () => userIdentityRepository(database.db);
let made = 0;
const somebody = (email = `p${++made}@example.org`, subject = `s${++made}`) => ({
  id: newId(),
  issuer: ISSUER,
  subject,
  user: { id: newId(), email, name: 'P', created_by: `oidc:${ISSUER}` },
  memberships: [{ project_id: PROJECT, role: 'viewer' as const }],
});
const count = async (table: string) =>
  (await database.pool.query<{ count: string }>(`SELECT count(*) FROM ${table}`)).rows[0]!.count;

it('makes identity, user and memberships together', async () => {
  const one = somebody();
  expect(await identities().create(one)).toBe('made');
  expect(await identities().standing(one)).toEqual({
    identity_id: one.id,
    user_id: one.user.id,
    permissions: [],
    status: 'active',
    memberships: [{ project_id: PROJECT, role: 'viewer' }],
  });
});

it('makes one user for a subject, however many try at once', async () => {
  const before = Number(await count('app_user'));
  const tries = Array.from({ length: 20 }, (_, i) => somebody(i % 2 ? undefined : 'same@example.org', 'one'));
  const outcomes = await Promise.all(tries.map((one) => identities().create(one)));
  expect(outcomes.filter((outcome) => outcome === 'made')).toHaveLength(1);
  expect(outcomes.filter((outcome) => outcome === 'email_taken')).toEqual([]);
  expect(Number(await count('app_user'))).toBe(before + 1);
});

it('makes nothing at all where the email is that of another user', async () => {
  const one = somebody();
  await identities().create(one);
  const before = [await count('app_user'), await count('user_identity'), await count('project_member')];
  expect(await identities().create(somebody(one.user.email.toUpperCase()))).toBe('email_taken');
  expect([await count('app_user'), await count('user_identity'), await count('project_member')]).toEqual(
    before,
  );
});

it('tells subjects apart by every letter, and by issuer', async () => {
  const one = somebody(undefined, 'Subject');
  await identities().create(one);
  expect(await identities().standing({ issuer: ISSUER, subject: 'subject' })).toBeUndefined();
  expect(await identities().standing({ issuer: `${ISSUER}/`, subject: 'Subject' })).toBeUndefined();
});

it.each<[string, (user_id: string) => unknown[], RegExp]>([
  ['without a user', () => [newId(), ISSUER, 'x', newId()], /foreign key/],
  ['with an empty subject', (user_id) => [newId(), `${ISSUER}/2`, '', user_id], /check/],
  [
    'with a subject that is too long',
    (user_id) => [newId(), `${ISSUER}/2`, 'x'.repeat(256), user_id],
    /check/,
  ],
  ['that is a second one of its issuer', (user_id) => [newId(), ISSUER, 'second', user_id], /unique/],
])('an identity %s is refused', async (_what, values, message) => {
  const one = somebody();
  await identities().create(one);
  const insert = 'INSERT INTO user_identity (id, issuer, subject, user_id) VALUES ($1, $2, $3, $4)';
  await expect(database.pool.query(insert, values(one.user.id))).rejects.toThrow(message);
});
