import { AppError } from '../contract/errors.ts';
import type { Json, JsonObject } from '../contract/json.ts';
import type { Metrics } from '../contract/metrics.ts';
import { isFinal, type FinalState, type RunError } from '../contract/run.ts';
import { canonicalJson } from '../language/canonical-json.ts';
import type { ExternalRunRepository, RunChange, RunEndRow } from '../persistence/external-runs.ts';
import type { BeatLimits, Heartbeat, HeartbeatRepository, HeartbeatRow } from '../persistence/heartbeats.ts';
import type { RunRepository, RunRow } from '../persistence/runs.ts';
import { contentHash } from './rules/content-hash.ts';
import { storedSnapshot } from './rules/run-snapshot.ts';
import type { RunValues } from './values.ts';

export interface ExternalRunDeps {
  runs: Pick<RunRepository, 'find'>;
  rows: ExternalRunRepository;
  heartbeats: HeartbeatRepository;
  values: Pick<RunValues, 'keep'>;
  limits: BeatLimits;
  metrics: Pick<Metrics, 'runEnded'>;
  ids: () => string;
  clock: () => Date;
}

interface Target {
  project_id: string;
  run_id: string;
  actor: string;
}

/** How a runtime says its run has ended. */
export interface Completion {
  state: Extract<FinalState, 'completed' | 'failed' | 'errored'>;
  output: Json;
  error: RunError | null;
}

/** An end that a change of the run carries out. */
export interface Ending {
  state: FinalState;
  output: Json;
  error: RunError | null;
}

export type ChangeTo = Omit<RunChange, 'run_id' | 'from' | 'end'>;

/** How often a change is tried again when the run's state moved under it. */
const ATTEMPTS = 5;

/** Runs that a runtime outside carries out. Everything throws `not_found` for an unknown or foreign run. */
export function externalRunService(deps: ExternalRunDeps) {
  const { runs, rows, heartbeats } = deps;

  async function find(project_id: string, run_id: string): Promise<RunRow> {
    const run = await runs.find(project_id, run_id);
    if (!run) throw new AppError('not_found');
    return run;
  }

  /** A run that a runtime outside carries out. Throws `state_conflict` for any other. */
  async function findExternal(project_id: string, run_id: string): Promise<RunRow> {
    const run = await find(project_id, run_id);
    if (run.executor === 'external') return run;
    throw new AppError('state_conflict', { detail: 'This run is carried out by Temporal.' });
  }

  /** What ends the run, with the snapshot that stays of it. */
  async function endRow(run: RunRow, { state, output, error }: Ending): Promise<RunEndRow> {
    const kept = await deps.values.keep(run.project_id, output);
    const end = {
      run_id: run.id,
      version_hash: run.version_hash ?? '',
      outcome: { output: { value: null }, error },
      run: { workflow: run.workflow ?? '' },
    };
    const snapshot = storedSnapshot({ end, state, output_hash: kept.output_hash, steps: [] });
    return {
      output: kept.output === undefined ? null : JSON.stringify(kept.output),
      output_ref: kept.output_ref,
      error,
      snapshot: { artifact_id: deps.ids(), ...snapshot },
    };
  }

  /**
   * Changes a run that has not ended, with its snapshot when `ending` is given. False when its state had moved on, or its
   * command was answered. `on` is a transaction of the caller's.
   */
  async function change(run: RunRow, to: ChangeTo, ending?: Ending, on = rows): Promise<boolean> {
    const end = ending && (await endRow(run, ending));
    const changed = await on.change({ ...to, run_id: run.id, from: run.state, end });
    const seconds = (deps.clock().getTime() - run.created_at.getTime()) / 1_000;
    if (changed && ending) deps.metrics.runEnded(run.type, ending.state, seconds);
    return changed;
  }

  return {
    findExternal,
    change,

    /**
     * Takes a heartbeat. Errors: `state_conflict` for a counter that goes back or a run of Temporal, `run_final`,
     * `rate_limited` for one too soon; none of them counts as a heartbeat.
     */
    async heartbeat(target: Target, heartbeat: Heartbeat): Promise<HeartbeatRow> {
      const taken = await heartbeats.beat(target, heartbeat, deps.limits);
      if (taken) return taken;
      const run = await findExternal(target.project_id, target.run_id);
      if (isFinal(run.state)) throw runFinal(run);
      const last = await heartbeats.last(run.id);
      for (const counter of ['step', 'checkpoint_version'] as const) {
        if (last && heartbeat[counter] < last[counter])
          throw new AppError('state_conflict', {
            detail: `${counter} may not go back: the last heartbeat had ${last[counter]}.`,
          });
      }
      const wait_seconds = deps.limits.interval_seconds - (last?.age_seconds ?? 0);
      throw new AppError('rate_limited', {
        detail: `At most one heartbeat every ${deps.limits.interval_seconds} s.`,
        retry_after_seconds: Math.max(1, Math.ceil(wait_seconds)),
      });
    },

    /** The latest heartbeat. Throws `not_found` before the first one. */
    async latest(project_id: string, run_id: string): Promise<HeartbeatRow> {
      const run = await findExternal(project_id, run_id);
      const latest = await heartbeats.find(run.id);
      if (!latest) throw new AppError('not_found', { detail: 'No heartbeat has come yet.' });
      return latest;
    },

    /**
     * Ends a run as its runtime says. The same end again changes nothing; another one is `run_final`. Throws
     * `state_conflict` for a run of Temporal.
     */
    async complete({ project_id, run_id, actor }: Target, completion: Completion): Promise<RunRow> {
      for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
        const run = await findExternal(project_id, run_id);
        if (isFinal(run.state)) return sameEnd(run, completion);
        const to = { to: completion.state, actor, reason: null };
        if (await change(run, to, completion)) return find(project_id, run_id);
      }
      throw new AppError('overloaded', { cause: new Error('the state of the run keeps changing') });
    },
  };
}

export type ExternalRunService = ReturnType<typeof externalRunService>;

export const runFinal = ({ state }: RunRow) => new AppError('run_final', { extra: { state } });

/** An end that came before: the same one is answered, another one refused. */
function sameEnd(run: RunRow, { state, output, error }: Completion): RunRow {
  const hash = run.output_ref ?? contentHash(canonicalJson(run.output ?? null));
  const same = run.state === state && hash === contentHash(canonicalJson(output));
  const errors = [run.error, error].map((one) => canonicalJson((one as JsonObject | null) ?? null));
  if (same && errors[0] === errors[1]) return run;
  throw runFinal(run);
}
