import { z } from 'zod';
import { MAINTENANCE_KINDS, REPAIR_KINDS } from '../../contract/maintenance.ts';
import { contentHash, instant, pageQuery } from './conventions.ts';

const count = z.int().min(0);

/** `wait` in a query: how long an answer may take before it says that the job goes on. */
const wait = z.coerce
  .number('must be a number')
  .min(0)
  .max(60)
  .meta({ description: 'Seconds to wait for the end.' });

export const jobParams = z.strictObject({ id: z.string().min(1).max(100) });
export const jobQuery = z.strictObject({ wait: wait.default(0) });
export const startQuery = z.strictObject({ wait: wait.default(10) });
export const findingsQuery = z.strictObject(pageQuery);

export const gcQuery = z.strictObject({
  ...pageQuery,
  fate: z
    .enum(['kept', 'collected'])
    .optional()
    .meta({ description: 'Of a dry run: only what would be collected, or only what stays.' }),
  wait: wait.default(10),
});

export const gcBody = z.strictObject({
  dry_run: z.boolean().default(false).meta({ description: 'Say what would happen and why; change nothing.' }),
  grace_seconds: count
    .max(36_500 * 86_400)
    .optional()
    .meta({
      description: 'How long something must have been unreachable; `store.gc_grace_seconds` without it.',
    }),
});

export const noBody = z.strictObject({});

const amount = z.object({ artifacts: count, blobs: count, bytes: z.number() }).meta({ id: 'GcAmount' });
const things = z.object({ artifacts: count, blobs: count });

const item = z
  .object({
    artifact_id: z.string().optional(),
    cas_id: contentHash.optional(),
    kind: z.string().meta({ description: 'Kind of the artifact, or `blob`.' }),
    size_bytes: z.number().optional(),
    fate: z.enum(['kept', 'collected']),
    reason: z
      .enum(['tag', 'move', 'approval', 'run', 'release', 'proposal', 'grace', 'step'])
      .optional()
      .meta({
        description:
          'What keeps it: a tag, a move inside the undo window, an approval, a run, a release, an open proposal; or it is unreachable, and too young (`grace`) or younger than a step under way (`step`).',
      }),
    project_id: z.string().optional(),
    tag: z.string().optional(),
    seq: z.int().optional(),
    run_id: z.string().optional(),
    node: z.string().optional(),
    environment: z.string().optional(),
    proposal_id: z.string().optional(),
    via: z.array(z.string()).optional().meta({ description: 'A shortest way from there to this thing.' }),
    distance: z.int().optional(),
    unreachable_since: instant.optional(),
    until: instant.optional().meta({ description: 'When it may be collected.' }),
  })
  .meta({ id: 'GcItem' });

const gcReport = { grace_seconds: count, collected: amount };
const sweep = z.object({
  deleted: count,
  failed: count.meta({ description: 'Left to the next collection, because their store was away.' }),
});
const gcDone = { ...gcReport, marked: things, cleared: things, objects: sweep };

export const gcView = z
  .discriminatedUnion('dry_run', [
    z.object({ dry_run: z.literal(false), job_id: z.string(), ...gcDone }),
    z.object({
      dry_run: z.literal(true),
      ...gcReport,
      kept: z.object({ ...amount.shape, reasons: z.record(z.string(), amount) }),
      oldest_step: z.object({ run_id: z.string(), node: z.string(), started_at: instant }).nullable(),
      items: z.array(item),
      next_cursor: z.string().nullable(),
    }),
  ])
  .meta({ id: 'GcReport' });

export const findingView = z
  .object({ kind: z.string(), about: z.string(), detail: z.string() })
  .meta({ id: 'FsckFinding' });

const fsckDone = {
  checked: count.meta({ description: 'Blobs.' }),
  corrupt: z
    .array(contentHash)
    .meta({ description: 'Blobs whose bytes are wrong or missing; at most 10,000.' }),
  problems: z.array(findingView).meta({ description: 'The first 100 findings; the job has them all.' }),
  found: z.record(z.string(), count).meta({ description: 'How many findings of each kind.' }),
  bytes: z.number(),
  versions: count.meta({ description: 'Patches that were replayed.' }),
  objects: count,
};

export const fsckView = z.object({ job_id: z.string(), ...fsckDone }).meta({ id: 'FsckReport' });

const retentionDone = {
  runs: count,
  approvals: count,
  findings: count,
  frames: count.meta({ description: 'What was heard of proposals that were over long ago.' }),
};
export const retentionView = z
  .object({ job_id: z.string(), ...retentionDone })
  .meta({ id: 'RetentionReport' });

const repairs = z.record(z.string(), count);
const reconcileFinding = z
  .object({
    kind: z.enum(REPAIR_KINDS),
    run_id: z.string(),
    detail: z.string(),
    repaired: z.boolean(),
  })
  .meta({ id: 'ReconcileFinding' });
const reconcileDone = {
  checked: count.meta({ description: 'Open runs that were held against Temporal.' }),
  repaired: repairs.meta({ description: 'How many of each kind were put right.' }),
  findings: z.array(reconcileFinding).meta({ description: 'The first 100 of them.' }),
};

export const reconcileBody = z.strictObject({
  dry_run: z.boolean().default(false).meta({ description: 'Say what differs; put nothing right.' }),
});
export const reconcileView = z
  .object({
    job_id: z.string().optional().meta({ description: 'Not of a dry run.' }),
    dry_run: z.boolean(),
    ...reconcileDone,
  })
  .meta({ id: 'ReconcileReport' });

export const jobView = z
  .object({
    id: z.string(),
    kind: z.enum(MAINTENANCE_KINDS),
    state: z.enum(['running', 'completed', 'failed', 'cancelled', 'terminated', 'timed_out']),
    started_at: instant,
    ended_at: instant.nullable(),
    activity: z.string().nullable().meta({ description: 'What it is at.' }),
    progress: z.unknown().meta({ description: 'What that has reached.' }),
    report: z
      .union([z.object(gcDone), z.object(fsckDone), z.object(retentionDone), z.object(reconcileDone)])
      .nullable(),
    error: z.string().nullable().meta({ description: 'The code it failed with.' }),
  })
  .meta({ id: 'MaintenanceJob' });
