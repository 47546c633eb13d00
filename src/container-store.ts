import type { Config } from './config.ts';
import { spoolDirectory } from './clients/objects/spool.ts';
import type { Metrics } from './contract/metrics.ts';
import { versionKeeper } from './domain/builtins/keep-version.ts';
import { builtinVersions } from './domain/builtins/versions.ts';
import { planCache } from './domain/plans.ts';
import { projectSettings } from './domain/project-settings.ts';
import { storeServices } from './domain/store.ts';
import { runValues } from './domain/values.ts';
import { newId } from './ids.ts';
import type { Logger } from './log.ts';
import { createObjectStores } from './object-stores.ts';
import type { Db } from './persistence/db.ts';
import { environmentRepository } from './persistence/environments.ts';
import { projectSettingsRepository } from './persistence/project-settings.ts';
import { runRepository } from './persistence/runs.ts';
import { stepRepository } from './persistence/steps.ts';

/** What everything of a process is made from. */
export interface Base {
  config: Config;
  db: Db;
  logger: Logger;
  metrics: Metrics;
}

/** What both sides use: the versioned store, and the values of runs. */
export function createStore({ config, db, logger, metrics }: Base) {
  const { limits } = config;
  const store = storeServices({
    db,
    ids: newId,
    limits: {
      blob_bytes: limits.blob_bytes,
      inline_blob_bytes: config.store.inline_blob_bytes,
      bundle_bytes: limits.bundle_bytes,
      bundle_artifacts: limits.bundle_artifacts,
      chain: limits.chain,
      compact_after: config.store.compact_after_patches,
      undo_window_days: config.store.undo_window_days,
    },
    objects: createObjectStores(config, db),
    spools: spoolDirectory(config.store.spool_directory),
    onCorrupt: (cas_id) => logger.error({ cas_id }, 'a stored blob failed verification'),
    onBreakGlass: (event) => {
      logger.warn(event, 'a tag was written past its gate');
      metrics.glassBroken(event.command);
    },
  });
  const steps = stepRepository(db);
  const runs = runRepository(db);
  const inline_bytes = limits.inline_value_bytes;
  const values = runValues({ runs, steps, blobs: store.blobs, inline_bytes });
  const readDefinition = (version_hash: string) => store.definitions.readPinned(version_hash);
  const planOf = planCache(readDefinition);
  const keepVersion = versionKeeper({ db, ids: newId, definitions: store.definitions });
  return {
    ...store,
    steps,
    run_rows: runs,
    settings: projectSettings({ rows: projectSettingsRepository(db) }),
    values,
    readDefinition,
    planOf,
    keepVersion,
    builtins: builtinVersions({ keepVersion, environments: environmentRepository(db) }),
    inline_bytes,
    input_bytes: limits.input_bytes,
  };
}

export type Store = ReturnType<typeof createStore>;
