import { newId } from '../../../src/ids.ts';
import { definition, fourLightSteps, transform, wait } from '../../support/definitions.ts';
import { contradictions } from '../../support/model-check.ts';
import { startProduct, type Product } from '../../support/product.ts';
import { testTemporal } from '../../support/stack.ts';
import { age, reconcile, temporalSide, untilStep, type TemporalSide } from './temporal-side.ts';

let product: Product;
let side: TemporalSide;

beforeAll(async () => {
  product = await startProduct();
  side = await temporalSide();
  await product.publish('four', fourLightSteps('four'));
  await product.ended((await product.start('four', { n: 1 })).id);
});
afterAll(async () => {
  await side?.close();
  await product?.stop();
});

const query = (text: string, values: unknown[] = []) => product.database.pool.query(text, values);

/** A run as a crash or a restored backup may leave it: rows, and nothing in Temporal. */
async function bare(state: 'queued' | 'running'): Promise<string> {
  const id = newId();
  await query(
    `WITH source AS (SELECT * FROM run WHERE workflow = 'four' LIMIT 1), made AS (
      INSERT INTO run (id, project_id, type, workflow, requested_ref, artifact_id, version_hash, manifest_id, state, input, params,
        last_event_seq, created_by, created_at)
      SELECT $1, project_id, type, workflow, requested_ref, artifact_id, version_hash, manifest_id, $2, input, params, 1, created_by,
        now() - interval '1 minute' FROM source RETURNING id
    ), event AS (INSERT INTO run_event (run_id, seq, type, data) SELECT id, 1, 'run.queued', '{}' FROM made)
    INSERT INTO run_state_transition (run_id, event_seq, to_state, actor) SELECT id, 1, $2, 'test' FROM made`,
    [id, state],
  );
  return id;
}

/** A final run that Temporal never knew is what the model check looks for. */
async function forget(id: string): Promise<void> {
  for (const table of ['run_event', 'run_state_transition', 'step'])
    await query(`DELETE FROM ${table} WHERE run_id = $1`, [id]);
  await query('DELETE FROM run WHERE id = $1', [id]);
}

afterEach(async () => {
  expect(await contradictions(product.database_url, testTemporal())).toEqual([]);
});

it('a run that was accepted and that nothing would start is started', async () => {
  const id = await bare('queued');
  expect(await reconcile(product)).toMatchObject({ repaired: { start_lost: 1 }, findings: [{ run_id: id }] });
  expect((await product.ended(id)).state).toBe('completed');
});

it('a run whose execution is gone is errored and says so', async () => {
  const id = await bare('running');
  expect(await reconcile(product)).toMatchObject({ repaired: { execution_lost: 1 } });
  expect(await product.run(id)).toMatchObject({ state: 'errored', error: { code: 'execution_lost' } });
  await forget(id);
});

it('a run whose parent has ended, and that nothing carries out, is cancelled', async () => {
  const { id: parent } = await product.start('four', { n: 1 });
  await product.ended(parent);
  const id = await bare('queued');
  await query(`UPDATE run SET parent_run_id = $2, parent_node = 'child' WHERE id = $1`, [id, parent]);
  // The parent has only just ended: it may still be seeing to it.
  expect(await reconcile(product)).toMatchObject({ repaired: {}, findings: [] });
  await query(`UPDATE run SET ended_at = ended_at - interval '1 minute' WHERE id = $1`, [parent]);
  expect((await reconcile(product)).repaired).toEqual({ orphaned: 1 });
  expect(await product.run(id)).toMatchObject({ state: 'cancelled', reason: 'The run above it has ended.' });
  await forget(id);
});

it('a run whose parent has ended, and that goes on, is told to cancel', async () => {
  const { id: parent } = await product.start('four', { n: 1 });
  await product.ended(parent);
  await product.publish('child', definition('child', { w: wait(600) }));
  const { id } = await product.start('child');
  await untilStep(product, id, 'w', 'waiting');
  await age(product);
  await query(`UPDATE run SET parent_run_id = $2, parent_node = 'child' WHERE id = $1`, [id, parent]);
  await query(`UPDATE run SET ended_at = ended_at - interval '1 minute' WHERE id = $1`, [parent]);
  expect((await reconcile(product)).repaired).toEqual({ orphaned: 1 });
  expect((await product.ended(id)).state).toBe('cancelled');
});

it('a run that waits for its turn is left to flow control', async () => {
  const id = await bare('queued');
  await query(`UPDATE run SET flow_key = 'k', flow_limit = 1 WHERE id = $1`, [id]);
  expect(await reconcile(product)).toMatchObject({ repaired: {}, findings: [] });
  expect((await product.ended(id)).state).toBe('completed');
});

it('what the outbox has for a run that has ended is removed', async () => {
  const { id } = await product.start('four', { n: 1 });
  await product.ended(id);
  await query(
    `INSERT INTO outbox (id, run_id, kind, next_attempt_at) VALUES ($1, $2, 'start', now() + interval '1 hour')`,
    [newId(), id],
  );
  expect(await reconcile(product, true)).toMatchObject({
    findings: [{ kind: 'outbox_leftover', run_id: id }],
  });
  expect(await reconcile(product)).toMatchObject({ repaired: { outbox_leftover: 1 } });
  expect((await query('SELECT 1 FROM outbox')).rowCount).toBe(0);
});

it('a command that was delivered and never answered is sent again, and applied once', async () => {
  await product.publish('deaf', definition('deaf', { w: wait(600) }));
  const { id } = await product.start('deaf');
  await untilStep(product, id, 'w', 'waiting');
  await query(
    `INSERT INTO run_command (run_id, id, type, payload, payload_hash, state, issued_by, issued_at, delivered_at)
     VALUES ($1, 'lost', 'terminate', '{}', '', 'delivered', 'test', now() - interval '5 minutes', now() - interval '5 minutes')`,
    [id],
  );
  expect(await reconcile(product)).toMatchObject({ repaired: { command_unanswered: 1 } });
  // It has the time to be answered before it is put back once more.
  expect((await reconcile(product)).repaired).toEqual({});
  expect((await product.ended(id)).state).toBe('terminated');
  const { rows } = await query(`SELECT state FROM run_command WHERE run_id = $1`, [id]);
  expect(rows).toEqual([{ state: 'acknowledged' }]);
});

it('an execution that the database knows nothing of is reported, and left alone', async () => {
  const { task_queue } = product.config.temporal;
  await product.publish(
    'foreign',
    definition('foreign', { w: wait(600), t: transform(1, { needs: ['w'] }) }),
  );
  const { id } = await product.start('foreign');
  await untilStep(product, id, 'w', 'waiting');
  const gone = newId();
  const { plan, ...input } = await inputOf(id);
  await side.client.workflow.start('dag', {
    workflowId: gone,
    taskQueue: task_queue,
    args: [{ ...input, plan, run: { ...input.run, id: gone } }],
    searchAttributes: { OrchestratorType: ['dag'] },
  });
  const report = await reconcile(product);
  expect(report).toMatchObject({
    repaired: {},
    findings: [{ kind: 'unknown_execution', run_id: gone, repaired: false }],
  });
  expect((await side.describe(gone)).status.name).toBe('RUNNING');
  await side.client.workflow.getHandle(gone).terminate();
  await product.call('POST', `/runs/${id}/cancel`);
  await product.ended(id);
});

async function inputOf(id: string): Promise<{ plan: unknown; run: object }> {
  const history = await side.client.workflow.getHandle(id).fetchHistory();
  const [payload] = history.events![0]!.workflowExecutionStartedEventAttributes!.input!.payloads!;
  return JSON.parse(Buffer.from(payload!.data!).toString()) as { plan: unknown; run: object };
}

it('healthy open runs cost one call to Temporal and two statements for each thousand', async () => {
  const statements: string[] = [];
  // Nothing else is to ask the database meanwhile.
  const env = {
    ORCHESTRATOR_RUNS_SWEEP_INTERVAL_SECONDS: '3600',
    ORCHESTRATOR_TRIGGERS_LOOK_INTERVAL_SECONDS: '3600',
    ORCHESTRATOR_AUDIT_SEAL_INTERVAL_SECONDS: '3600',
  };
  const counted = await startProduct({ env, onStatement: (sql) => statements.push(sql) });
  try {
    await counted.publish('idle', definition('idle', { w: wait(600) }));
    const ids = await Promise.all(Array.from({ length: 40 }, async () => (await counted.start('idle')).id));
    for (const id of ids) await untilStep(counted, id, 'w', 'waiting');
    await age(counted);
    statements.length = 0;
    const report = await reconcile(counted, true);
    expect(report).toEqual({ dry_run: true, checked: 40, repaired: {}, findings: [] });
    const ours = statements.filter(
      (sql) => !/idempotency_key|FROM "?project|event_log|event_sink|audit_entry|rate_bucket/.test(sql),
    );
    // Executions against runs, runs against executions, commands, and the outbox.
    expect(ours.map((sql) => sql.slice(0, 40))).toHaveLength(4);
    for (const id of ids) await side.client.workflow.getHandle(id).terminate();
    expect((await reconcile(counted)).repaired).toEqual({ ended_in_temporal: 40 });
    expect(await contradictions(counted.database_url, testTemporal())).toEqual([]);
  } finally {
    await counted.stop();
  }
});
