import type { Environment, EnvironmentSetup } from '../../contract/deployment.ts';
import { AppError, type Problem } from '../../contract/errors.ts';
import type { Json, JsonObject } from '../../contract/json.ts';

const SECRET = /^\$\{\{\s*secrets\.([A-Za-z_][A-Za-z0-9_]{0,127})\s*\}\}$/;

/** Takes the place of a secret where settings are only looked at; it is a text, a token and an address alike. */
const STAND_IN = 'https://secret.invalid/stand-in';

/** Settings that are credentials: they are named, because everybody who may see the environment sees its settings. */
const CREDENTIALS: Readonly<Record<string, readonly string[]>> = {
  kubernetes: ['token'],
  webhook: ['secret'],
};

/** The name of the secret that a text stands for; undefined for any other text. */
export const secretNamed = (text: string): string | undefined => SECRET.exec(text)?.[1];

/** Every secret that settings name, with its place in the environment. */
export function secretsIn(settings: Json, path = '/settings'): { path: string; name: string }[] {
  if (typeof settings === 'string') {
    const name = secretNamed(settings);
    return name === undefined ? [] : [{ path, name }];
  }
  if (typeof settings !== 'object' || settings === null) return [];
  return Object.entries(settings).flatMap(([key, value]) => secretsIn(value, `${path}/${pointer(key)}`));
}

/** The settings as a deployer may look at them: what stands for a secret is a text like one. */
export function withStandIns(settings: Json): Json {
  if (typeof settings === 'string') return secretNamed(settings) === undefined ? settings : STAND_IN;
  if (Array.isArray(settings)) return settings.map(withStandIns);
  if (typeof settings !== 'object' || settings === null) return settings;
  return Object.fromEntries(Object.entries(settings).map(([key, value]) => [key, withStandIns(value)]));
}

/** What is wrong with an environment by itself, whatever else there is. */
export function problemsOfSetup(setup: EnvironmentSetup): Problem[] {
  return [
    ...(CREDENTIALS[setup.deployer] ?? []).flatMap((key) => openCredential(setup.settings, key)),
    ...Object.keys(setup.secrets)
      .filter((name) => Object.hasOwn(setup.variables, name))
      .map((name) => ({ path: `/secrets/${name}`, message: 'is a variable too' })),
    ...setup.checks.flatMap((check, i) =>
      check.type === 'workflow' && check.workflow === undefined && setup.deployer !== 'tag'
        ? [{ path: `/checks/${i}/workflow`, message: 'is needed where no workflow is deployed' }]
        : [],
    ),
  ];
}

function openCredential(settings: JsonObject, key: string): Problem[] {
  const value = settings[key];
  if (typeof value !== 'string' || secretNamed(value) !== undefined) return [];
  return [{ path: `/settings/${key}`, message: 'must name a secret, as ${{ secrets.NAME }}' }];
}

/** Settings that run programs on the worker's machine. */
export function commandsIn({ deployer, settings, checks }: EnvironmentSetup): string[] {
  const runs = deployer === 'command' || deployer === 'docker_compose';
  return [
    ...(runs ? ['/deployer'] : []),
    ...(deployer === 'release_directory' && Object.hasOwn(settings, 'start') ? ['/settings/start'] : []),
    ...checks.flatMap(({ type }, i) => (type === 'command' ? [`/checks/${i}`] : [])),
  ];
}

/** Throws `forbidden` for what would run programs on the worker's machine where that is switched off. */
export function refuseCommands(setup: EnvironmentSetup, { run_commands }: { run_commands: boolean }): void {
  const [path] = run_commands ? [] : commandsIn(setup);
  if (path === undefined) return;
  const detail = `${path} would run programs on the worker's machine, which deployments.run_commands does not allow.`;
  throw new AppError('forbidden', { detail });
}

/** What is wrong with where an environment is among the others: `others` are all of its project. */
export function problemsAmong(
  setup: EnvironmentSetup,
  others: readonly Pick<Environment, 'name' | 'staging' | 'deployer'>[],
): Problem[] {
  const rest = others.filter(({ name }) => name !== setup.name);
  return [...problemsOfStaging(setup, rest), ...problemsOfUsers(setup, rest)];
}

type Place = Pick<Environment, 'name' | 'staging' | 'deployer'>;

function problemsOfStaging(setup: EnvironmentSetup, rest: readonly Place[]): Problem[] {
  const { name, staging } = setup;
  if (staging === null) return [];
  const problem = (message: string) => [{ path: '/staging', message }];
  if (staging === name) return problem('must be another environment');
  const first = rest.find((other) => other.name === staging);
  if (!first) return problem('is no environment of this project');
  if (isForTags(first) !== isForTags(setup))
    return problem('must be deployed to in the same way: tags or not');
  const way = [name];
  for (let at: Place | undefined = first; at; at = rest.find((other) => other.name === at.staging)) {
    way.push(at.name);
    if (at.staging === name) return problem(`closes a circle: ${[...way, name].join(' → ')}`);
    if (way.length > rest.length + 1) break;
  }
  return [];
}

/** Those that have it as their staging must be of its sort. */
function problemsOfUsers(setup: EnvironmentSetup, rest: readonly Place[]): Problem[] {
  const users = rest.filter((other) => other.staging === setup.name && isForTags(other) !== isForTags(setup));
  return users.map(({ name }) => ({
    path: '/deployer',
    message: `is not that of ${name}, which has it as staging`,
  }));
}

export const isForTags = ({ deployer }: Pick<Environment, 'deployer'>): boolean => deployer === 'tag';

const pointer = (key: string): string => key.replaceAll('~', '~0').replaceAll('/', '~1');
