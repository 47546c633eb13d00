import { z } from 'zod';
import { type Deployer, DeployFailure } from '../../contract/deployer.ts';
import { healthSettings } from './health.ts';
import { PROGRAM_PATH, runCommand } from './run-command.ts';
import { readSettings } from './settings.ts';
import { storedDeployer, type StoredDeployerDeps, type Target } from './stored-deployer.ts';

const argv = z.tuple([z.string().min(1)], z.string().max(4_096));
export const commandSettings = z.strictObject({
  /** Run for a release, without a shell; `{release_id}`, `{digest}`, `{artifact}`, `{environment}`, `{previous}` are filled in. */
  deploy: argv,
  /** Run in place of `deploy` when an earlier release is gone back to after a failure. */
  rollback: argv.optional(),
  /** Run when the very first release failed. */
  remove: argv.optional(),
  /** Exit code 0 means that it is well. */
  status: argv.optional(),
  health: healthSettings.optional(),
  timeout_ms: z.int().min(100).max(3_600_000).default(600_000),
  keep: z.int().min(1).max(100).default(5),
});
type Settings = z.output<typeof commandSettings>;

/** Deploys by a command of the operator's, in the release's directory and with the environment's variables. */
export function commandDeployer(deps: StoredDeployerDeps): Deployer {
  const run = (
    command: Settings['deploy'],
    { timeout_ms }: Settings,
    { call, release, directory, previous }: Target,
  ) => {
    const values: Readonly<Record<string, string>> = {
      release_id: release.release_id,
      digest: release.digest,
      artifact: directory,
      environment: call.environment.name,
      previous: previous?.release_id ?? '',
    };
    const filled = command.map((text) =>
      text.replace(/\{(\w{1,20})\}/g, (whole, name: string) =>
        Object.hasOwn(values, name) ? values[name]! : whole,
      ),
    ) as Settings['deploy'];
    const env = {
      ...call.environment.variables,
      PATH: deps.program_path ?? PROGRAM_PATH,
      RELEASE_ID: release.release_id,
      RELEASE_DIGEST: release.digest,
      RELEASE_ARTIFACT: directory,
      RELEASE_PREVIOUS: values.previous!,
    };
    return runCommand({ argv: filled, cwd: directory, env, timeout_ms, signal: call.signal, log: call.log });
  };
  return storedDeployer<Settings>(
    {
      kind: 'command',
      keeps_files: true,
      read: ({ environment }) => readSettings(commandSettings, environment),
      async bringUp(settings, target, back) {
        const command = back ? (settings.rollback ?? settings.deploy) : settings.deploy;
        const evidence = { ...(await run(command, settings, target)) };
        if (evidence.exit_code === 0) return evidence;
        const message = `The command ended with ${evidence.exit_code}.`;
        throw new DeployFailure('deploy_failed', message, { evidence });
      },
      async takeDown(settings, target) {
        if (settings.remove) await run(settings.remove, settings, target);
      },
      async status(settings, target) {
        if (!settings.status) return { healthy: null, detail: 'It was deployed.' };
        const { exit_code, output } = await run(settings.status, settings, target);
        return { healthy: exit_code === 0, detail: output.slice(-500) };
      },
    },
    deps,
  );
}
