import { setTimeout as pause } from 'node:timers/promises';
import type { ReleaseRecord } from '../../../contract/deployment.ts';
import type { Json, JsonObject } from '../../../contract/json.ts';
import type { NodeExecutor } from '../../node-tasks.ts';
import type { NodeContext } from '../../nodes/node.ts';
import { succeeding } from '../../nodes/succeeding.ts';
import { StepFailure } from '../../step-error.ts';
import type { ReleaseRepository } from '../../../persistence/releases.ts';
import { configurationOf } from './configuration.ts';
import type { DeploymentInput } from './input.ts';
import type { LiveReleases } from './live.ts';
import type { SourceFinder } from './source-of.ts';
import type { TargetFinder, Targets } from './targets.ts';
import type { ReleaseUndoer } from './undo.ts';

/** What a deployment is going to do. */
export interface DeploymentPlan extends JsonObject {
  kind: DeploymentInput['kind'];
  /** For people. */
  title: string;
  target: string;
  staging: string | null;
  subject: string;
  is_rollback: boolean;
  /** What is live already. */
  live: { release_id: string; digest: string } | null;
  watch_seconds: number;
  source: JsonObject;
  /** Of a release that is gone back to. */
  artifact: JsonObject | null;
}

interface Deps {
  targets: TargetFinder;
  sourceOf: SourceFinder;
  releases: Pick<ReleaseRepository, 'lock' | 'find' | 'abandonedAt'>;
  live: LiveReleases;
  undo: ReleaseUndoer;
  /** How long it waits for another deployment of the same environments. */
  patience_ms: number;
}

const LOOK_AGAIN_MS = 1_000;

/**
 * ValidateDeployment: what is to be deployed where, and the environments taken for it: one deployment at a time. What an
 * earlier one left half done there, because nothing of it could run any more, is undone first.
 */
export function validateDeployment(deps: Deps): NodeExecutor {
  const { targets, releases, undo } = deps;

  async function take(found: Targets, context: NodeContext): Promise<void> {
    const places = [found.target, found.staging].flatMap((environment) =>
      environment ? [{ environment_id: environment.id, subject: found.subject }] : [],
    );
    let left: ReleaseRecord[];
    for (const until_ms = Date.now() + deps.patience_ms; ;) {
      // Whose they are is not to be seen any more once the places are taken.
      left = await releases.abandonedAt(places);
      const { held_by } = await releases.lock(context.run_id, places);
      if (!held_by) break;
      if (Date.now() > until_ms) {
        const message = `Another deployment is under way there: the run ${held_by.run_id}.`;
        throw new StepFailure('environment_busy', message);
      }
      await pause(LOOK_AGAIN_MS, undefined, { signal: context.signal });
    }
    for (const { id } of left) await undo(id, context, 'Its deployment was ended from outside.');
  }

  return (config, context) =>
    succeeding(async () => {
      const input = config.input as unknown as DeploymentInput;
      const found = await targets(input, context);
      await take(found, context);
      const rollback = await earlierRelease(input, found, context);
      const origin = rollback?.source ?? (await deps.sourceOf(input, context));
      const source: JsonObject = { ...origin, configuration: configurationOf(found.target) };
      const live = input.force ? undefined : await liveOf(source.key, found, context);
      const plan: DeploymentPlan = {
        kind: input.kind,
        title: titleOf(input, source),
        target: found.target.name,
        staging: found.staging?.name ?? null,
        subject: found.subject,
        is_rollback: rollback !== undefined,
        live: live ? { release_id: live.id, digest: live.digest } : null,
        watch_seconds: input.watch_seconds ?? found.target.watch_seconds,
        source,
        artifact: rollback ? { ...artifactOf(rollback), source } : null,
      };
      return plan;
    });

  function liveOf(key: Json | undefined, { target: environment, subject }: Targets, context: NodeContext) {
    return deps.live({ environment, subject, context, is: ({ source }) => source.key === key });
  }

  async function earlierRelease(
    { release_id }: DeploymentInput,
    { target, subject }: Targets,
    { project_id }: NodeContext,
  ): Promise<ReleaseRecord | undefined> {
    if (release_id === undefined) return undefined;
    const release = await releases.find(project_id, release_id);
    if (release?.environment_id !== target.id || release.subject !== subject)
      throw new StepFailure('not_found', `${target.name} has no release ${release_id}.`);
    if (release.live_at === null)
      throw new StepFailure('state_conflict', `The release ${release_id} was never live.`);
    return release;
  }
}

const artifactOf = ({ digest, artifact_ref }: ReleaseRecord): JsonObject => ({ digest, artifact_ref });

function titleOf({ kind, repository, workflow, release_id }: DeploymentInput, source: JsonObject): string {
  const name = (kind === 'workflow' ? workflow : (repository ?? source.repository)) as string;
  return release_id === undefined ? name : `${name} (release ${release_id})`;
}
