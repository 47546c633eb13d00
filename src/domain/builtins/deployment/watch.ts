import { setTimeout as pause } from 'node:timers/promises';
import type { Environment } from '../../../contract/deployment.ts';
import type { JsonObject } from '../../../contract/json.ts';
import type { NodeExecutor } from '../../node-tasks.ts';
import type { NodeContext } from '../../nodes/node.ts';
import { ending } from '../../nodes/succeeding.ts';
import type { CheckResult, EnvironmentChecks } from './checks.ts';
import type { Deployed } from './deploy.ts';
import { type FindEnvironment, requiredEnvironment } from './required-environment.ts';
import { verdict } from './smoke.ts';

/** How the runs of a version have ended. */
export interface RunOutcomes {
  completed: number;
  failed: number;
}

interface Deps {
  environments: FindEnvironment;
  checks: EnvironmentChecks;
  /** Of runs of a workflow's version that began since then. */
  outcomes: (of: {
    project_id: string;
    workflow: string;
    digest: string;
    since: Date;
  }) => Promise<RunOutcomes>;
}

const EVERY_MS = 2_000;
/** One answer that is lost on the way says nothing. */
const FAILURES_IN_A_ROW = 3;

/**
 * HealthCheck: what was deployed works, and goes on working for as long as it is watched. Of a workflow's version no more of the
 * runs that began meanwhile may fail than complete.
 */
export function healthCheck({ environments, checks, outcomes }: Deps): NodeExecutor {
  async function ofRuns(
    { digest, live_at }: Deployed,
    { workflow, project_id }: { workflow: string; project_id: string },
  ): Promise<CheckResult[]> {
    if (workflow === '') return [];
    const seen = await outcomes({ project_id, workflow, digest, since: new Date(live_at) });
    const passed = seen.failed === 0 || seen.failed <= seen.completed;
    return [{ check: 'runs', passed, detail: `${seen.completed} completed, ${seen.failed} failed` }];
  }

  async function look(
    environment: Environment,
    config: JsonObject,
    context: NodeContext,
  ): Promise<CheckResult[]> {
    const runs = { workflow: config.subject as string, project_id: context.project_id };
    const asked = await checks(environment, 'once', context);
    return [...asked, ...(await ofRuns(config.release as Deployed, runs))];
  }

  return (config, context) =>
    ending(async () => {
      const environment = await requiredEnvironment(
        environments,
        context.project_id,
        config.environment as string,
      );
      const first = await checks(environment, 'until it is well', context);
      const what = 'It does not work as it should';
      if (first.some(({ passed }) => !passed)) return verdict(first, 'unhealthy', what);
      const until_ms = Date.now() + (config.watch_seconds as number) * 1_000;
      let results = first;
      for (let failures = 0; Date.now() < until_ms;) {
        await pause(Math.min(EVERY_MS, until_ms - Date.now()), undefined, { signal: context.signal });
        results = await look(environment, config, context);
        failures = results.some(({ passed }) => !passed) ? failures + 1 : 0;
        if (failures === FAILURES_IN_A_ROW) break;
      }
      return verdict(results, 'unhealthy', what);
    });
}
