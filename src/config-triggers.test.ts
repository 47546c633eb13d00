import { inspect } from 'node:util';
import { ConfigError, loadConfig } from './config.ts';

const secrets = (list: unknown) =>
  loadConfig({ ORCHESTRATOR_HOOKS_SECRETS: JSON.stringify(list) }, '/nowhere').hooks.secrets;
const problems = (list: unknown): readonly string[] => {
  try {
    secrets(list);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
};
const PROJECT = '00000000-0000-7000-8000-000000000001';

it('secrets of hooks have a name and may be for some projects; they print as stars', () => {
  const found = secrets([
    { name: 'github', secret: 'sixteen characters', projects: [PROJECT.toUpperCase()] },
  ]);
  expect(found).toMatchObject([{ name: 'github', projects: [PROJECT] }]);
  expect(found[0]!.secret.reveal()).toBe('sixteen characters');
  expect(inspect(found) + JSON.stringify(found)).not.toContain('sixteen');
});

it.each<[string, unknown, string]>([
  ['a short secret', [{ name: 'a', secret: 'fifteen letters' }], 'must have at least 16 characters'],
  ['no name', [{ secret: 'sixteen characters' }], 'name'],
  [
    'one name twice',
    [1, 2].map(() => ({ name: 'a', secret: 'sixteen characters' })),
    'is that of another entry',
  ],
  [
    'a project that is no id',
    [{ name: 'a', secret: 'sixteen characters', projects: ['x'] }],
    'must be the id of a project',
  ],
  ['no list', { name: 'a' }, 'must be a list, as JSON in the environment'],
])('%s is a problem, told without the secret', (_, list, problem) => {
  const found = problems(list).join('\n');
  expect(found).toContain(problem);
  expect(found).not.toMatch(/fifteen letters|sixteen characters/);
});
