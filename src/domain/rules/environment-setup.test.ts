import fc from 'fast-check';
import type { EnvironmentSetup } from '../../contract/deployment.ts';
import type { Json } from '../../contract/json.ts';
import { commandsIn, problemsAmong, secretNamed, secretsIn, withStandIns } from './environment-setup.ts';

const setup = (more: Partial<EnvironmentSetup>): EnvironmentSetup => ({
  name: 'a',
  description: '',
  deployer: 'tag',
  settings: {},
  variables: {},
  secrets: {},
  checks: [],
  watch_seconds: 0,
  staging: null,
  approval: null,
  binds_tags: false,
  ...more,
});

const NAMES = ['a', 'b', 'c', 'd', 'e'];
const staging = fc.option(fc.constantFrom(...NAMES), { nil: null });
const places = fc
  .tuple(...NAMES.map(() => staging))
  .map((stagings) => NAMES.map((name, n) => setup({ name, staging: stagings[n]! })));

/** Whether the way from `name` over stagings comes back to it. */
function comesBack(name: string, all: readonly EnvironmentSetup[]): boolean {
  const seen = new Set<string | null>();
  let at: string | null = name;
  do {
    seen.add(at);
    at = all.find((one) => one.name === at)?.staging ?? null;
  } while (at !== null && !seen.has(at));
  return at === name;
}

it('an environment is refused for its staging just when the way over stagings comes back to it', () => {
  const one = fc.record({ all: places, name: fc.constantFrom(...NAMES), staging });
  fc.assert(
    fc.property(one, ({ all, ...changed }) => {
      const next = setup(changed);
      const after = all.map((other) => (other.name === next.name ? next : other));
      expect(problemsAmong(next, all).length > 0).toBe(comesBack(next.name, after));
    }),
  );
});

it('an environment and its staging are deployed to in the same way, whichever of them changes', () => {
  const application = setup({ name: 'b', deployer: 'command' });
  expect(problemsAmong(setup({ staging: 'b' }), [application])).toMatchObject([{ path: '/staging' }]);
  expect(problemsAmong(application, [setup({ staging: 'b' })])).toMatchObject([{ path: '/deployer' }]);
  const webhook = setup({ name: 'a', deployer: 'webhook', staging: 'b' });
  expect(problemsAmong(webhook, [application])).toEqual([]);
});

it.each([
  ['${{ secrets.A_1 }}', 'A_1'],
  ['${{secrets.A}}', 'A'],
  ['x ${{ secrets.A }}', undefined],
  ['${{ secrets.1 }}', undefined],
  ['${{ input.A }}', undefined],
  ['secrets.A', undefined],
])('%s names the secret %s', (text, name) => {
  expect(secretNamed(text)).toBe(name);
});

it('secrets are found wherever they are in settings, and nothing of them is left for a look', () => {
  const settings: Json = {
    a: ['x', '${{ secrets.ONE }}'],
    'b/~c': { d: '${{ secrets.TWO }}' },
    e: 1,
    f: null,
  };
  expect(secretsIn(settings)).toEqual([
    { path: '/settings/a/1', name: 'ONE' },
    { path: '/settings/b~1~0c/d', name: 'TWO' },
  ]);
  const seen = withStandIns(settings);
  expect(secretsIn(seen)).toEqual([]);
  expect(seen).toMatchObject({ a: ['x', expect.any(String)], e: 1, f: null });
});

it.each<[Partial<EnvironmentSetup>, string[]]>([
  [{}, []],
  [{ deployer: 'webhook' }, []],
  [{ deployer: 'kubernetes' }, []],
  [{ deployer: 'release_directory' }, []],
  [{ deployer: 'release_directory', settings: { start: ['x'] } }, ['/settings/start']],
  [
    { deployer: 'command', checks: [{ type: 'workflow' }, { type: 'command', argv: ['x'] }] },
    ['/deployer', '/checks/1'],
  ],
  [{ deployer: 'docker_compose' }, ['/deployer']],
])('%j runs programs at %j', (more, paths) => {
  expect(commandsIn(setup(more))).toEqual(paths);
});
