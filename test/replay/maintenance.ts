import type { Client } from '@temporalio/client';
import type { Product } from '../support/product.ts';

interface Place {
  product: Product;
  client: Client;
}

/** One way a maintenance workflow may go: brings it about, and answers the id of the execution once it has ended. */
type MaintenanceScenario = (place: Place) => Promise<string>;

const idOf = ({ product }: Place, kind: string) =>
  `orchestrator-${kind}:${product.config.temporal.task_queue}`;

async function asked(place: Place, kind: string, body: object = {}): Promise<string> {
  const { status } = await place.product.call('POST', `/admin/${kind}?wait=30`, body);
  if (status !== 200) throw new Error(`${kind} answered ${status}`);
  return idOf(place, kind);
}

/** Started as a schedule does; ended when the result is there. */
async function scheduled(place: Place, name: string): Promise<string> {
  const { client, product } = place;
  const workflow_id = idOf(place, 'retention');
  const handle = await client.workflow.start('scheduledMaintenance', {
    workflowId: `${workflow_id}-${name}`,
    taskQueue: product.config.temporal.task_queue,
    args: [{ kind: 'retention', workflow_id, request: {} }],
  });
  await handle.result();
  return handle.workflowId;
}

/** With the job of that kind held up by a lock on a table that it needs. */
async function scheduledBesideAnother(place: Place): Promise<string> {
  const client = await place.product.database.pool.connect();
  await client.query('BEGIN');
  await client.query('LOCK TABLE run IN ACCESS EXCLUSIVE MODE');
  try {
    await place.product.call('POST', '/admin/retention?wait=0');
    return await scheduled(place, 'skipped');
  } finally {
    await client.query('ROLLBACK');
    client.release();
  }
}

/** Started as its schedule does. */
async function swept({ client, product }: Place): Promise<string> {
  const { task_queue } = product.config.temporal;
  const workflowId = `orchestrator-health:${task_queue}-recorded`;
  await client.workflow.execute('healthSweep', { workflowId, taskQueue: task_queue, args: [] });
  return workflowId;
}

/** Every way of the workflows that keep the store in order. */
export const MAINTENANCE: Readonly<Record<string, MaintenanceScenario>> = {
  gc: (place) => asked(place, 'gc', { grace_seconds: 0 }),
  fsck: (place) => asked(place, 'fsck'),
  retention: (place) => asked(place, 'retention'),
  scheduled: (place) => scheduled(place, 'done'),
  scheduled_skipped: scheduledBesideAnother,
  health: swept,
};
