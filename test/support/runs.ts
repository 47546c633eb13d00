import { createHash } from 'node:crypto';
import { v7 } from 'uuid';
import type { Json, JsonObject } from '../../src/contract/json.ts';
import type { Db } from '../../src/persistence/db.ts';
import { commandRepository } from '../../src/persistence/commands.ts';
import { runRepository } from '../../src/persistence/runs.ts';
import { PROJECT_ID } from './store.ts';

export interface RunRow {
  artifact_id: string;
  version_hash: string;
  input?: Json;
  input_ref?: string | null;
  params?: JsonObject;
}

/** A run as the API commits it, without a Temporal that would carry it out; answers its id. */
export async function insertRun(
  db: Db,
  row: RunRow,
  executor: 'temporal' | 'external' = 'temporal',
): Promise<string> {
  const id = v7();
  const content = Buffer.from(JSON.stringify({ run_id: id }));
  const accepted = await runRepository(db).insert({
    id,
    project_id: PROJECT_ID,
    type: 'dag',
    workflow: 'x',
    requested_ref: 'x',
    input: {},
    input_ref: null,
    params: {},
    ...row,
    progress_total: 1,
    labels: {},
    priority: 3,
    created_by: 'test',
    created_at: new Date(),
    manifest: { artifact_id: v7(), cas_id: hashOf(content), content },
    names: [],
    start: { outbox_id: v7(), sweep_after: new Date() },
    more: { executor },
  });
  if (!accepted) throw new Error('what the run needs was collected');
  return id;
}

/** A cancel of that run, accepted as the API accepts it; answers whether it was. */
export async function acceptCancel(db: Db, run_id: string, id: string): Promise<boolean> {
  const accepted = await commandRepository(db).insert({
    project_id: PROJECT_ID,
    run_id,
    id,
    type: 'cancel',
    payload: {},
    payload_hash: hashOf('{}'),
    issued_by: 'test',
    reason: null,
    outbox_id: v7(),
    accepted_in: ['running'],
    sweep_after: new Date(),
  });
  return accepted !== undefined;
}

export const hashOf = (bytes: Buffer | string) =>
  `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
