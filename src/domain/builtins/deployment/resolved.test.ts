import type { Environment } from '../../../contract/deployment.ts';
import { configuredSecrets } from '../../secrets.ts';
import { resolvedEnvironment } from './resolved.ts';

const KNOWN: Record<string, string> = { TOKEN: 'a token', PASSWORD: 'a password' };
const secrets = configuredSecrets(
  Object.entries(KNOWN).map(([name, value]) => ({ name, secret: { reveal: () => value } })),
);

const environment = (more: Partial<Environment>): Environment => ({
  ...{ id: 'e', project_id: 'p', name: 'web', description: '', version: 1, created_by: 'test' },
  ...{ created_at: new Date(0), updated_at: new Date(0), approval: null, staging: null, binds_tags: false },
  ...{ deployer: 'webhook', settings: {}, variables: {}, secrets: {}, checks: [], watch_seconds: 0 },
  ...more,
});

it('gives the values of the secrets that settings and variables name', async () => {
  const settings = { url: 'https://a.example', list: [{ secret: '${{ secrets.TOKEN }}' }], keep: 3 };
  const there = environment({ settings, variables: { PORT: '80' }, secrets: { DB_PASSWORD: 'PASSWORD' } });
  const resolved = await resolvedEnvironment({ secrets, run_commands: false })(there);
  expect(resolved.environment).toEqual({
    name: 'web',
    settings: { url: 'https://a.example', list: [{ secret: 'a token' }], keep: 3 },
    variables: { PORT: '80', DB_PASSWORD: 'a password' },
  });
  expect(resolved.masker.text('a token, a password, 80')).toBe('***, ***, 80');
});

it('names a secret that is not there', async () => {
  const there = environment({ secrets: { A: 'GONE' } });
  await expect(resolvedEnvironment({ secrets, run_commands: false })(there)).rejects.toMatchObject({
    code: 'secret_missing',
    message: 'The project has no secret GONE.',
  });
});

it.each<[string, Partial<Environment>]>([
  ['a command', { deployer: 'command' }],
  ['compose', { deployer: 'docker_compose' }],
  ['a service', { deployer: 'release_directory', settings: { start: ['node', 'server.js'] } }],
  ['a check', { checks: [{ type: 'command', argv: ['true'] }] }],
])(
  'an environment with %s that was set up when commands were allowed is refused by now',
  async (_what, more) => {
    const there = environment(more);
    await expect(resolvedEnvironment({ secrets, run_commands: false })(there)).rejects.toMatchObject({
      code: 'forbidden',
    });
    expect(await resolvedEnvironment({ secrets, run_commands: true })(there)).toMatchObject({
      environment: { name: 'web' },
    });
  },
);
