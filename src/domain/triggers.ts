import type { Definition } from '../contract/definition.ts';
import type { Db } from '../persistence/db.ts';
import {
  findLiveTag,
  lookEverywhere,
  lookForMoves,
  type LiveTag,
  type WorkflowKey,
} from '../persistence/live-tags.ts';
import { followLiveTag } from '../persistence/triggers.ts';
import { LIVE_TAG_SUFFIXES, liveTagNames } from './rules/live-tag.ts';
import { plannedSchedules } from './rules/schedule-plan.ts';
import type { ScheduleApplier } from './schedules-apply.ts';

interface Deps {
  db: Db;
  readDefinition: (version_hash: string) => Promise<Definition>;
  applier: ScheduleApplier;
  onError: (error: unknown, about: WorkflowKey) => void;
}

/** A definition that is live, and by which tag. */
export interface LiveDefinition extends LiveTag {
  definition: Definition;
}

/** A move is noticed for this long after it; one whose commit took longer is the reconciler's. */
const WINDOW_SECONDS = 30;
const BATCH = 1_000;
const suffixes = LIVE_TAG_SUFFIXES;

export type TriggerService = ReturnType<typeof triggerService>;

/** Holds what starts runs by itself to the definitions that live tags point at. */
export function triggerService({ db, readDefinition, applier, onError }: Deps) {
  const live = async ({ project_id, workflow }: WorkflowKey): Promise<LiveDefinition | undefined> => {
    const tag = await findLiveTag(db, project_id, liveTagNames(workflow));
    return tag && { ...tag, definition: await readDefinition(tag.version_hash) };
  };

  /** A tag that goes on meanwhile is behind again, and comes back with the next look. */
  async function follow(key: WorkflowKey): Promise<void> {
    const now = await live(key);
    const wanted = now ? plannedSchedules(key, now.definition) : [];
    await followLiveTag(db, key, now, { names: liveTagNames(key.workflow), wanted });
  }

  async function followAll(behind: WorkflowKey[]): Promise<void> {
    for (const key of behind) await follow(key).catch((error: unknown) => onError(error, key));
  }

  return {
    /** The definition of a workflow's live tag, undefined when it has none. */
    live,

    /** Sees to the tags that moved lately. One statement when none did. */
    async look(): Promise<void> {
      const { behind, is_due } = await lookForMoves(db, { suffixes, seconds: WINDOW_SECONDS, limit: BATCH });
      await followAll(behind);
      if (is_due || behind.length > 0) await applier.apply();
    },

    /** Sees to every tag, and holds what Temporal has against what it should have. */
    async reconcile() {
      await followAll(await lookEverywhere(db, { suffixes, limit: BATCH }));
      return applier.repair();
    },
  };
}
