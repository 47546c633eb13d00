import { z } from 'zod';
import { type Deployer, DeployFailure } from '../../contract/deployer.ts';
import { healthSettings } from './health.ts';
import { runCommand } from './run-command.ts';
import { readSettings } from './settings.ts';
import { storedDeployer, type StoredDeployerDeps, type Target } from './stored-deployer.ts';

const inside = z
  .string()
  .max(1_000)
  .regex(/^[A-Za-z0-9_][A-Za-z0-9_./-]*$/)
  .refine((text) => !text.split('/').includes('..'), 'A path inside the artifact.');
export const dockerComposeSettings = z.strictObject({
  /** Of all containers; the environment's name when left out. */
  project: z
    .string()
    .regex(/^[a-z0-9][a-z0-9_-]{0,62}$/)
    .optional(),
  /** Compose files of the artifact. */
  files: z.array(inside).min(1).max(10).default(['docker-compose.yml']),
  pull: z.enum(['always', 'missing', 'never']).default('missing'),
  /** Which engine, like `ssh://…` or `tcp://…`; the machine's own when left out. */
  docker_host: z.string().max(1_000).optional(),
  /** For the services to be up and healthy. */
  wait_seconds: z.int().min(1).max(3_600).default(120),
  health: healthSettings.optional(),
  keep: z.int().min(1).max(100).default(5),
});
type Settings = z.output<typeof dockerComposeSettings>;

const PATH = '/usr/local/bin:/usr/bin:/bin';
/** For pulling images, before the waiting begins. */
const PULL_MS = 1_200_000;
const QUESTION_MS = 60_000;

const serviceSchema = z.object({ Service: z.string(), State: z.string(), Health: z.string().optional() });

/** Deploys the compose file of an artifact through Docker's command line, and waits for its services. */
export function dockerComposeDeployer(deps: StoredDeployerDeps): Deployer {
  const run = (
    args: readonly string[],
    timeout_ms: number,
    { settings, target }: { settings: Settings; target: Target },
  ) => {
    const { call, release, directory } = target;
    const files = settings.files.flatMap((file) => ['-f', file]);
    const project = settings.project ?? call.environment.name;
    const env = {
      ...call.environment.variables,
      PATH: deps.program_path ?? PATH,
      HOME: deps.base_directory,
      RELEASE_ID: release.release_id,
      RELEASE_DIGEST: release.digest,
      ...(settings.docker_host !== undefined && { DOCKER_HOST: settings.docker_host }),
    };
    return runCommand({
      argv: ['docker', 'compose', '--ansi', 'never', '-p', project, ...files, ...args],
      cwd: directory,
      env,
      timeout_ms,
      signal: call.signal,
      log: call.log,
    });
  };
  return storedDeployer<Settings>(
    {
      kind: 'docker_compose',
      keeps_files: true,
      read: ({ environment }) => readSettings(dockerComposeSettings, environment),
      async bringUp(settings, target) {
        const wait = ['--wait', '--wait-timeout', String(settings.wait_seconds)];
        const args = ['up', '--detach', '--remove-orphans', '--pull', settings.pull, ...wait];
        const timeout_ms = settings.wait_seconds * 1_000 + PULL_MS;
        const evidence = { ...(await run(args, timeout_ms, { settings, target })) };
        if (evidence.exit_code === 0) return evidence;
        throw new DeployFailure('deploy_failed', `docker compose ended with ${evidence.exit_code}.`, {
          evidence,
        });
      },
      async takeDown(settings, target) {
        await run(['down', '--remove-orphans'], QUESTION_MS, { settings, target });
      },
      async status(settings, target) {
        const args = ['ps', '--all', '--format', 'json'];
        const { exit_code, output } = await run(args, QUESTION_MS, { settings, target });
        if (exit_code !== 0) return { healthy: false, detail: output.slice(-500) };
        const services = servicesIn(output);
        const bad = services.filter(({ State, Health }) => State !== 'running' || Health === 'unhealthy');
        const detail = services.map(({ Service, State, Health }) =>
          `${Service}: ${State} ${Health ?? ''}`.trim(),
        );
        return {
          healthy: services.length > 0 && bad.length === 0,
          detail: detail.join(', ') || 'Nothing runs.',
        };
      },
    },
    deps,
  );
}

/** One JSON document per line, or, from older versions, one array of them all. */
function servicesIn(output: string): z.output<typeof serviceSchema>[] {
  const found = output.split('\n').flatMap((line): unknown[] => {
    try {
      const value: unknown = JSON.parse(line);
      return Array.isArray(value) ? value : [value];
    } catch {
      return [];
    }
  });
  return found.flatMap((value) => {
    const parsed = serviceSchema.safeParse(value);
    return parsed.success ? [parsed.data] : [];
  });
}
