import type { Json } from '../../../contract/json.ts';
import type { NodeExecutor } from '../../node-tasks.ts';
import type { NodeOutcome } from '../../nodes/node.ts';
import { ending } from '../../nodes/succeeding.ts';
import type { CheckResult, EnvironmentChecks } from './checks.ts';
import type { Deployed } from './deploy.ts';
import { type FindEnvironment, requiredEnvironment } from './required-environment.ts';

interface Deps {
  environments: FindEnvironment;
  checks: EnvironmentChecks;
}

/** RunSmokeTests: what staging's checks say of what was deployed there; all of them must pass. */
export function runSmokeTests({ environments, checks }: Deps): NodeExecutor {
  return (config, context) =>
    ending(async () => {
      const environment = await requiredEnvironment(
        environments,
        context.project_id,
        config.environment as string,
      );
      const { smoke_runs } = config.release as Deployed;
      const runs = (config.runs as Json[]).map((result, index): CheckResult => {
        const passed = result !== null;
        const name = smoke_runs[index]?.workflow ?? 'a workflow';
        return { check: `run of ${name}`, passed, detail: passed ? 'completed' : 'did not complete' };
      });
      const asked = await checks(environment, 'until it is well', context);
      return verdict([...asked, ...runs], 'smoke_failed', 'The smoke tests did not pass');
    });
}

/** One check that fails is enough. */
export function verdict(results: CheckResult[], code: string, what: string): NodeOutcome {
  const failed = results.filter(({ passed }) => !passed);
  const passed = failed.length === 0;
  const message = `${what}: ${failed.map(({ check, detail }) => `${check}: ${detail}`).join('; ')}`;
  return {
    state: passed ? 'succeeded' : 'failed',
    output: { passed, checks: results },
    error: passed ? null : { code, message: message.slice(0, 2_000) },
  };
}
