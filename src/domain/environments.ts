import type { DeployEnvironment, DeployerKind } from '../contract/deployer.ts';
import type { Environment, EnvironmentSetup, ReleaseRecord } from '../contract/deployment.ts';
import { AppError, type Problem } from '../contract/errors.ts';
import type { Json, JsonObject } from '../contract/json.ts';
import { canonicalJson } from '../language/canonical-json.ts';
import type { EnvironmentChanges, EnvironmentRepository } from '../persistence/environments.ts';
import type { ReleasePosition, ReleaseRepository } from '../persistence/releases.ts';
import type { Caller } from './refs.ts';
import {
  isForTags,
  problemsAmong,
  problemsOfSetup,
  refuseCommands,
  secretsIn,
  withStandIns,
} from './rules/environment-setup.ts';
import type { SecretSource } from './secrets.ts';
import { type Page, page } from './tags.ts';

export interface EnvironmentDeps {
  environments: EnvironmentRepository;
  releases: Pick<ReleaseRepository, 'list' | 'find'>;
  secrets: SecretSource;
  /** What a deployer would say against it. */
  problemsOfSettings: (kind: DeployerKind, environment: DeployEnvironment) => readonly Problem[];
  /** Whether environments may run programs on the worker's machine. */
  run_commands: boolean;
  ids: () => string;
}

export interface EnvironmentService {
  /** By name, after `page.after`. */
  list(project_id: string, page: { after?: string; limit: number }): Promise<Page<Environment, string>>;
  get(project_id: string, name: string): Promise<Environment>;
  /**
   * Sets it up, or sets it up anew; the same once more changes nothing. Throws `validation_failed` with every problem,
   * `forbidden` for what would run programs here, `stale_if_match`, `state_conflict`.
   */
  put(
    caller: Caller,
    setup: EnvironmentSetup,
    if_match?: number,
  ): Promise<{ created: boolean; environment: Environment }>;
  /** Throws `state_conflict` while something is live there or is being deployed, or another has it as staging. */
  delete(caller: Caller, name: string, if_match?: number): Promise<void>;
  /** Newest first, after `page.after`. */
  releases(
    project_id: string,
    place: { name: string; subject?: string },
    page: { after?: ReleasePosition; limit: number },
  ): Promise<Page<ReleaseRecord, ReleasePosition>>;
  release(project_id: string, name: string, release_id: string): Promise<ReleaseRecord>;
}

/** All of them are read with every write to a tag, and with every change of one. */
const MAX_ENVIRONMENTS = 100;

/** Where a project deploys to. */
export function environmentService(deps: EnvironmentDeps): EnvironmentService {
  const { environments, releases } = deps;
  const get = async (project_id: string, name: string) => found(await environments.find(project_id, name));
  return {
    get,
    list: async (project_id, { after = '', limit }) =>
      page(await environments.list(project_id, { after, limit: limit + 1 }), limit, ({ name }) => name),
    async put(caller, setup, if_match) {
      refuseCommands(setup, deps);
      const alone = [...problemsOfSetup(setup), ...(await problemsOutside(deps, caller.project_id, setup))];
      return environments.inTurn(caller.project_id, (changes) =>
        write(deps, changes, caller, { setup, if_match, alone }),
      );
    },
    delete: ({ project_id }, name, if_match) =>
      environments.inTurn(project_id, async (changes) => {
        const there = found(await changes.find(project_id, name));
        requireVersion(there, if_match);
        await requireUnused(changes, there);
        await changes.delete(there.id);
      }),
    async releases(project_id, { name, subject }, { after, limit }) {
      const { id: environment_id } = await get(project_id, name);
      const rows = await releases.list({ environment_id, subject }, { after, limit: limit + 1 });
      return page(rows, limit, ({ created_at, id }) => ({ created_at, id }));
    },
    async release(project_id, name, release_id) {
      const { id } = await get(project_id, name);
      const release = await releases.find(project_id, release_id);
      return found(release?.environment_id === id ? release : undefined);
    },
  };
}

interface Change {
  setup: EnvironmentSetup;
  if_match?: number;
  /** What is wrong with it whatever else there is. */
  alone: readonly Problem[];
}

async function write(
  { ids }: EnvironmentDeps,
  changes: EnvironmentChanges,
  { project_id, actor }: Caller,
  { setup, if_match, alone }: Change,
) {
  const others = await changes.list(project_id, { after: '', limit: MAX_ENVIRONMENTS + 1 });
  const there = others.find(({ name }) => name === setup.name);
  requireVersion(there, if_match);
  const errors = [...alone, ...problemsAmong(setup, others)];
  if (errors.length > 0)
    throw new AppError('validation_failed', { detail: 'The environment is not set up rightly.', errors });
  if (!there) {
    if (others.length >= MAX_ENVIRONMENTS)
      throw new AppError('state_conflict', {
        detail: `A project has at most ${MAX_ENVIRONMENTS} environments.`,
      });
    return { created: true, environment: await changes.insert(setup, { project_id, id: ids(), actor }) };
  }
  if (isSame(setup, there)) return { created: false, environment: there };
  if (isForTags(setup) !== isForTags(there)) await requireUnused(changes, there);
  const { version } = there;
  return { created: false, environment: (await changes.update(setup, { project_id, version }))! };
}

/** Looked for outside the transaction: none of it depends on what others do. */
async function problemsOutside(
  { secrets, problemsOfSettings }: EnvironmentDeps,
  project_id: string,
  setup: EnvironmentSetup,
): Promise<Problem[]> {
  const { deployer, name, settings, variables } = setup;
  const named = [
    ...Object.entries(setup.secrets).map(([key, secret]) => ({ path: `/secrets/${key}`, name: secret })),
    ...secretsIn(settings),
  ];
  const names = named.map(({ name: secret }) => secret);
  const known = await secrets.findAll(project_id, names);
  const problems: Problem[] = named
    .filter(({ name: secret }) => !known.has(secret))
    .map(({ path, name: secret }) => ({
      path,
      message: `names the secret ${secret}, which the project does not have`,
    }));
  if (deployer === 'tag') return [...problems, ...problemsOfTag(setup)];
  const looked_at = { name, variables, settings: withStandIns(settings) as JsonObject };
  return [...problems, ...problemsOfSettings(deployer, looked_at)];
}

const problemsOfTag = ({ settings }: EnvironmentSetup): Problem[] =>
  Object.keys(settings).length === 0
    ? []
    : [{ path: '/settings', message: 'must be empty: there is nothing to set for tags' }];

function requireVersion(there: Environment | undefined, if_match: number | undefined): void {
  if (if_match === undefined || if_match === there?.version) return;
  throw new AppError('stale_if_match', { extra: { current_version: there?.version ?? null } });
}

async function requireUnused(
  changes: EnvironmentChanges,
  { id, name, project_id }: Environment,
): Promise<void> {
  const refuse = (detail: string) => new AppError('state_conflict', { detail });
  const { live, run_id } = await changes.useOf(id);
  if (run_id !== null) throw refuse(`The run ${run_id} is deploying to it.`);
  if (live !== null) throw refuse(`The release ${live.release_id} is live there.`);
  const others = await changes.list(project_id, { after: '', limit: MAX_ENVIRONMENTS });
  const user = others.find(({ staging }) => staging === name);
  if (user) throw refuse(`It is the staging of ${user.name}.`);
}

function isSame(setup: EnvironmentSetup, there: Environment): boolean {
  const kept = Object.fromEntries(
    Object.keys(setup).map((key) => [key, there[key as keyof EnvironmentSetup]]),
  );
  return canonicalJson({ ...setup } as unknown as Json) === canonicalJson(kept as Json);
}

function found<T>(row: T | undefined): T {
  if (row === undefined) throw new AppError('not_found');
  return row;
}
