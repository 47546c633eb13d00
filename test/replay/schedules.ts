import { randomUUID } from 'node:crypto';
import type { Client } from '@temporalio/client';
import type { JsonObject } from '../../src/contract/json.ts';
import { definition, transform, wait } from '../support/definitions.ts';
import type { Product } from '../support/product.ts';

interface Place {
  product: Product;
  client: Client;
}

/** One way an execution that a schedule starts may go: brings it about, and answers its id once it has ended. */
type ScheduleScenario = (place: Place) => Promise<string>;

const LIGHT = { a: transform(1) };
const LONG = { w: wait(60) };
const scheduled = (workflow: string, nodes: Record<string, JsonObject>, more: JsonObject = {}) =>
  definition(workflow, nodes, { schedules: [{ cron: '@yearly' }], ...more });

/** Publishes a workflow with a schedule, lets that fire, and answers what it started. */
async function fired({ product, client }: Place, workflow: string, document: JsonObject) {
  await product.publish(workflow, document);
  const { task_queue } = product.config.temporal;
  const [schedule] = await some(async () => {
    const { body } = await product.call<{ items: { id: string; drift: string | null }[] }>(
      'GET',
      `/schedules?workflow=${workflow}`,
    );
    return body.items.filter(({ drift }) => drift === null);
  });
  const handle = client.schedule.getHandle(`schedule:${workflow}:${schedule!.id}@${task_queue}`);
  await handle.trigger();
  const [action] = await some(async () => (await handle.describe()).info.recentActions);
  await handle.delete();
  return client.workflow.getHandle(action!.action.workflow.workflowId);
}

async function some<T>(ask: () => Promise<T[]>): Promise<T[]> {
  for (;;) {
    const found = await ask();
    if (found.length > 0) return found;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function running({ product }: Place, workflow: string): Promise<string> {
  const [run] = await some(async () => {
    const { body } = await product.call<{ items: { id: string }[] }>(
      'GET',
      `/runs?workflow=${workflow}&status=running`,
    );
    return body.items;
  });
  return run!.id;
}

/** Every way of what schedules start. */
export const SCHEDULED: Readonly<Record<string, ScheduleScenario>> = {
  async schedule_fired(place) {
    const action = await fired(place, 'schedule-fired', scheduled('schedule-fired', LIGHT));
    await action.result();
    return action.workflowId;
  },
  async schedule_refused(place) {
    const document = scheduled('schedule-refused', LIGHT, { input_schema: false });
    const action = await fired(place, 'schedule-refused', document);
    await action.result();
    return action.workflowId;
  },
  async schedule_cancelled(place) {
    const action = await fired(place, 'schedule-cancelled', scheduled('schedule-cancelled', LONG));
    await running(place, 'schedule-cancelled');
    await action.cancel();
    await action.result().catch(() => undefined);
    return action.workflowId;
  },
  /** Its admission starts the run: the end is looked for. */
  async schedule_limited(place) {
    const limited = scheduled('schedule-limited', { w: wait(2) }, { concurrency: { limit: 1 } });
    const action = await fired(place, 'schedule-limited', limited);
    await action.result();
    return action.workflowId;
  },
  /** As after continue-as-new, and cancelled then. */
  async schedule_awaiting({ product, client }) {
    await product.publish('schedule-awaiting', scheduled('schedule-awaiting', LONG));
    const { id, project_id } = await product.start('schedule-awaiting');
    const workflowId = `schedule-awaiting-${randomUUID()}`;
    const action = await client.workflow.start('scheduledRun', {
      workflowId,
      taskQueue: product.config.temporal.task_queue,
      args: [{ schedule_id: randomUUID(), project_id, workflow: 'schedule-awaiting', awaiting: id }],
    });
    await running({ product, client }, 'schedule-awaiting');
    await action.cancel();
    await action.result().catch(() => undefined);
    return workflowId;
  },
  async schedules_reconciled({ product, client }) {
    const workflowId = `reconcile-${randomUUID()}`;
    await client.workflow.execute('reconcileSchedules', {
      workflowId,
      taskQueue: product.config.temporal.task_queue,
    });
    return workflowId;
  },
};
