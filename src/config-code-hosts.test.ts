import { code_host } from './config-code-hosts.ts';

const whole = { repository: 'octocat/Hello-World', token: 't' };
const problems = (value: unknown) =>
  code_host.safeParse(value).error?.issues.map(({ path, message }) => `${path.join('.')} ${message}`) ?? [];

test.each([
  ['nothing', undefined],
  ['a repository and its token', whole],
  ['a group of groups', { ...whole, kind: 'gitlab', repository: 'a/b/c' }],
])('%s is a code host, or none', (_what, value) => {
  expect(problems(value)).toEqual([]);
});

test.each([
  ['a token alone', { token: 't' }, ['repository is required with code_host.token']],
  ['a repository alone', { repository: 'a/b' }, ['token is required with code_host.repository']],
  ['a group of groups on GitHub', { ...whole, repository: 'a/b/c' }, ['repository must be owner/name']],
  ['a path that leads elsewhere', { ...whole, repository: '../user' }, ['repository must be owner/name']],
  ['another kind', { ...whole, kind: 'svn' }, ['kind must be github or gitlab']],
])('%s is refused', (_what, value, expected) => {
  expect(problems(value)).toEqual(expected);
});
