import { agent_manager } from '../../../src/config-agents.ts';

const base_url = 'https://agents.example.com/v1';
const problems = (value: unknown) =>
  agent_manager.safeParse(value).error?.issues.map(({ path, message }) => `${path.join('.')} ${message}`) ??
  [];

test('nothing is needed, and then there is no manager', () => {
  expect(agent_manager.parse(undefined)).toEqual({ timeout_seconds: 5, refresh_seconds: 5 });
});

test('a token is taken, and does not show', () => {
  const { token } = agent_manager.parse({ base_url, token: 't0ken' });
  expect([token?.reveal(), String(token)]).toEqual(['t0ken', '***']);
});

test.each([
  ['a token alone', { token: 't' }, ['base_url is required with agent_manager.token']],
  [
    'a token that no header can carry',
    { base_url, token: 'a\nb' },
    ['token must be 1 to 4096 visible ASCII characters'],
  ],
  ['another protocol', { base_url: 'ftp://a' }, ['base_url must be an http or https URL']],
  ...['https://me:secret@a', 'https://a?x=1', 'https://a#x'].map((url): [string, unknown, string[]] => [
    `the address ${url}`,
    { base_url: url },
    ['base_url must have no user, password, query or fragment'],
  ]),
])('%s is refused', (_what, value, expected) => {
  expect(problems(value)).toEqual(expected);
});
