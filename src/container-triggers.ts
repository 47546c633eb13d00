import { randomUUID } from 'node:crypto';
import type { TemporalRunSchedules } from './clients/temporal-run-schedules.ts';
import { createSecretSource } from './container-secrets.ts';
import type { Base, Store } from './container-store.ts';
import { hookService } from './domain/hooks.ts';
import type { CommandService } from './domain/run-commands.ts';
import { dagInput, type RunInputOptions } from './domain/run-input.ts';
import type { RunOpener } from './domain/run-open.ts';
import type { RunService } from './domain/runs.ts';
import { liveTagNames } from './domain/rules/live-tag.ts';
import { scheduledRuns } from './domain/scheduled-runs.ts';
import { scheduleApplier } from './domain/schedules-apply.ts';
import { scheduleService } from './domain/schedules.ts';
import { triggerService } from './domain/triggers.ts';
import { newId } from './ids.ts';
import { hookRepository } from './persistence/hooks.ts';
import { findLiveTag } from './persistence/live-tags.ts';
import { scheduleRepository } from './persistence/schedules.ts';

const clock = () => new Date();

/** What holds schedules to the live tags, in whichever process. */
export function createTriggers({ db, logger, metrics }: Base, store: Store, temporal: TemporalRunSchedules) {
  const applier = scheduleApplier({
    schedules: scheduleRepository(db),
    temporal,
    metrics,
    clock,
    onError: (err, { id, workflow }) =>
      logger.warn({ err, schedule_id: id, workflow }, 'a schedule was not brought to Temporal yet'),
  });
  return triggerService({
    db,
    readDefinition: store.readDefinition,
    applier,
    onError: (err, about) => logger.warn({ err, ...about }, 'the triggers of a live tag were not followed'),
  });
}

/** What the API shows of schedules and takes in for hooks. */
export function createTriggerServices(
  base: Base,
  store: Store,
  { runs, temporal }: { runs: RunService; temporal: TemporalRunSchedules },
) {
  const { db, metrics, config } = base;
  const triggers = createTriggers(base, store, temporal);
  return {
    triggers,
    schedules: scheduleService({ schedules: scheduleRepository(db), temporal }),
    hooks: hookService({
      hooks: hookRepository(db),
      live: triggers.live,
      secrets: createSecretSource(base),
      runs,
      run_rows: store.run_rows,
      metrics,
      tolerance_seconds: config.hooks.tolerance_seconds,
      newHookId: randomUUID,
      clock,
    }),
  };
}

/** What a worker does when a schedule fires. */
export function createScheduledRuns(
  { db, logger, metrics }: Base,
  store: Store,
  {
    open,
    commands,
    input_options,
  }: { open: RunOpener; commands: CommandService; input_options: RunInputOptions },
) {
  const { run_rows: runs } = store;
  return scheduledRuns({
    open,
    runs,
    schedules: scheduleRepository(db),
    commands,
    liveTag: (project_id, workflow) => findLiveTag(db, project_id, liveTagNames(workflow)),
    dagInputOf: (run) => dagInput(run, input_options, {}),
    metrics,
    ids: newId,
    clock,
    onRefused: (err, { schedule_id, workflow, scheduled_at }) =>
      logger.warn({ err, schedule_id, workflow, scheduled_at }, 'a schedule fired and began no run'),
  });
}
