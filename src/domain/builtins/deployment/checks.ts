import { tmpdir } from 'node:os';
import { waitUntilHealthy } from '../../../clients/deployers/health.ts';
import { PROGRAM_PATH, runCommand } from '../../../clients/deployers/run-command.ts';
import type { GuardedFetch } from '../../../clients/http/guarded-fetch.ts';
import { DeployFailure } from '../../../contract/deployer.ts';
import type { Environment, EnvironmentCheck } from '../../../contract/deployment.ts';
import type { JsonObject } from '../../../contract/json.ts';
import type { NodeContext } from '../../nodes/node.ts';
import { withoutSecrets } from '../../secrets-step.ts';
import type { ResolvedEnvironment } from './resolved.ts';

/** What a check saw. */
export interface CheckResult extends JsonObject {
  /** For people: what was asked. */
  check: string;
  passed: boolean;
  detail: string;
}

interface Deps {
  fetch: GuardedFetch;
  resolved: (environment: Environment) => Promise<ResolvedEnvironment>;
}

type Patience = 'once' | 'until it is well';

const HTTP_SECONDS = 10;
const COMMAND_SECONDS = 60;
const DETAIL_CHARS = 500;

/** Asks an environment whether what is live there works: all checks but the runs of definitions. */
export function environmentChecks({ fetch, resolved }: Deps) {
  async function http(
    check: Extract<EnvironmentCheck, { type: 'http' }>,
    patience: Patience,
    signal: AbortSignal,
  ): Promise<CheckResult> {
    const { url, expect_status: status = 200, contains, timeout_seconds = HTTP_SECONDS } = check;
    const wait_ms = patience === 'once' ? 0 : timeout_seconds * 1_000;
    const seen = await waitUntilHealthy({ url, status, contains, wait_ms }, fetch, signal);
    const detail = seen.status === null ? seen.detail : `${seen.status} ${seen.detail}`;
    return { check: `GET ${seen.url}`, passed: seen.healthy, detail: detail.slice(0, DETAIL_CHARS) };
  }

  async function command(
    { argv, timeout_seconds = COMMAND_SECONDS }: Extract<EnvironmentCheck, { type: 'command' }>,
    environment: Environment,
    signal: AbortSignal,
  ): Promise<CheckResult> {
    const { environment: known, masker } = await resolved(environment);
    const check = argv[0]!;
    try {
      const { exit_code, output } = await runCommand({
        argv: argv as [string, ...string[]],
        cwd: tmpdir(),
        env: { ...known.variables, PATH: PROGRAM_PATH },
        timeout_ms: timeout_seconds * 1_000,
        signal,
      });
      return {
        check,
        passed: exit_code === 0,
        detail: `exit ${exit_code} ${masker.text(output).slice(-DETAIL_CHARS)}`,
      };
    } catch (error) {
      if (error instanceof DeployFailure) return { check, passed: false, detail: masker.text(error.message) };
      throw withoutSecrets(masker, error);
    }
  }

  return (environment: Environment, patience: Patience, { signal }: NodeContext): Promise<CheckResult[]> =>
    Promise.all(
      environment.checks.flatMap((check) => {
        if (check.type === 'http') return [http(check, patience, signal)];
        return check.type === 'command' ? [command(check, environment, signal)] : [];
      }),
    );
}

export type EnvironmentChecks = ReturnType<typeof environmentChecks>;
