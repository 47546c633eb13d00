import { AppError } from '../contract/errors.ts';
import { canonicalJson } from '../language/canonical-json.ts';
import { hashText } from '../language/content-hash.ts';
import { commandRepository, type NewCommand } from '../persistence/commands.ts';
import type { Db } from '../persistence/db.ts';
import { admissionRepository, gateName, gatesIn, lockNames } from '../persistence/flow-admission.ts';
import { rivalRepository, type Rival } from '../persistence/flow-rivals.ts';
import type { OutboxItem } from '../persistence/outbox.ts';
import { usedUp } from '../persistence/quotas.ts';
import { runRepository, type NewRun, type RunRow } from '../persistence/runs.ts';
import type { Gates } from './rules/flow.ts';
import { quotaLocks, refuseOverQuota, type Quotas } from './rules/quotas.ts';
import { acceptedIn } from './rules/run-command.ts';
import type { RunAdmission } from './run-admission.ts';
import { SWEEP_AFTER_MS, type RunDispatch } from './run-dispatch.ts';

interface Deps {
  db: Db;
  admission: Pick<RunAdmission, 'admit'>;
  dispatch: Pick<RunDispatch, 'deliverSoon'>;
  ids: () => string;
  clock: () => Date;
  onError: (error: unknown, run_id: string) => void;
}

type Item = Omit<OutboxItem, 'attempts'>;
type Rivals = Record<'terminate' | 'cancel', Rival[]>;

/** What a run is held to when it is accepted: what its definition says, and how many runs there may be. */
export interface Bounds {
  gates: Gates | undefined;
  quotas: Quotas | undefined;
}

interface Accepted {
  run: RunRow | undefined;
  /** What has to be delivered now that it is committed. */
  items: Item[];
}

/**
 * Accepts a run that its definition or a quota limits. One with gates is a run like any other, whose start is its admission.
 * Answers the run, another one with its start id when the policy says so, or undefined when what it needs was collected.
 * Errors: `run_exists`, `limit_reached`, `quota_exceeded`.
 */
export function runAcceptance({ db, admission, dispatch, ids, clock, onError }: Deps) {
  /** Who is in the way is looked at, and told to make room or left alone, under the locks that admission takes. */
  async function decided(row: NewRun, { gates, quotas }: Bounds): Promise<Accepted> {
    return db.transaction(async (tx) => {
      const names = gates ? gatesIn(keysOf(row)).map(gateName) : [];
      await lockNames(tx, [...(quotas ? quotaLocks(quotas) : []), ...names]);
      const standing = gates ? await inTheWay(tx, row, gates) : NOBODY;
      if ('instead' in standing) return { run: await runRepository(tx).findAny(standing.instead), items: [] };
      // A start that is answered with another run starts none, so that this comes after it.
      if (quotas) refuseOverQuota(quotas, await usedUp(tx, quotas));
      const run = await runRepository(tx).insert(row);
      return { run, items: run ? await stop(tx, run, standing) : [] };
    });
  }

  async function inTheWay(
    tx: Db,
    row: NewRun,
    { on_limit, on_conflict }: Gates,
  ): Promise<Rivals | { instead: string }> {
    const rivals = rivalRepository(tx);
    const { start_id, flow_key } = row.more;
    const terminate = start_id === undefined ? [] : await rivals.withId(row);
    const [newest] = terminate;
    if (newest && on_conflict === 'use_existing') return { instead: newest.id };
    if (newest && on_conflict === 'fail') throw new AppError('run_exists', { extra: { run_id: newest.id } });
    const cancel = on_limit === 'queue' || flow_key === undefined ? [] : await rivals.aboveLimit(row);
    if (cancel.length > 0 && on_limit === 'reject') throw limitReached(row);
    return { terminate, cancel };
  }

  /** Durable with the run that takes their place: neither is there without the other. Answers what is to be delivered. */
  async function stop(tx: Db, by: RunRow, { terminate, cancel }: Rivals): Promise<Item[]> {
    const types = new Map<string, 'terminate' | 'cancel'>([
      ...cancel.filter((rival) => !rival.is_ending).map(({ id }) => [id, 'cancel'] as const),
      ...terminate.filter((rival) => !rival.is_terminating).map(({ id }) => [id, 'terminate'] as const),
    ]);
    const items: Item[] = [];
    // In one order whoever does it, so that two of them never wait for each other's rows.
    for (const run_id of [...types.keys()].sort()) {
      const command = replacing(by, { run_id, type: types.get(run_id)! });
      // One that has ended since it was looked at is not in the way any more.
      if (await commandRepository(tx).insert(command))
        items.push({ id: command.outbox_id, run_id, kind: 'command', command_id: command.id });
    }
    return items;
  }

  function replacing(by: RunRow, { run_id, type }: Pick<NewCommand, 'run_id' | 'type'>): NewCommand {
    const reason = `Replaced by the run ${by.id}.`;
    return {
      project_id: by.project_id,
      run_id,
      id: `replaced-by:${by.id}`,
      type,
      payload: {},
      payload_hash: hashText(canonicalJson({ type, payload: {}, reason })),
      issued_by: by.created_by,
      reason,
      outbox_id: ids(),
      accepted_in: acceptedIn(type, false),
      sweep_after: new Date(clock().getTime() + SWEEP_AFTER_MS),
    };
  }

  return async (row: NewRun, bounds: Bounds): Promise<RunRow | undefined> => {
    const { run, items } = needsDecision(row, bounds)
      ? await decided(row, bounds)
      : { run: await runRepository(db).insert(row), items: [] };
    items.forEach((item) => dispatch.deliverSoon(item));
    if (!run || run.id !== row.id || !bounds.gates) return run;
    // It is accepted, whatever happens now: the sweep admits it when this cannot.
    return admittedOrWaiting(run).catch((error: unknown) => {
      onError(error, run.id);
      return run;
    });
  };

  async function admittedOrWaiting(run: RunRow): Promise<RunRow> {
    const admitted = await admission.admit(run);
    const itself =
      admitted.find(({ id }) => id === run.id) ?? (await admissionRepository(db).noteWaiting(run.id));
    return itself ?? (await runRepository(db).findAny(run.id)) ?? run;
  }
}

export type RunAcceptance = ReturnType<typeof runAcceptance>;

const NOBODY: Rivals = { terminate: [], cancel: [] };

const needsDecision = ({ more }: NewRun, { gates, quotas }: Bounds): boolean =>
  quotas !== undefined ||
  more.start_id !== undefined ||
  (more.flow_key !== undefined && gates?.on_limit !== 'queue');

function keysOf({ project_id, workflow, more }: NewRun) {
  const { flow_key = null, rate_key = null, start_id = null } = more;
  return { project_id, workflow, flow_key, rate_key, start_id };
}

function limitReached({ more: { flow_key, flow_limit } }: NewRun): AppError {
  return new AppError('limit_reached', { extra: { key: flow_key, limit: flow_limit } });
}
