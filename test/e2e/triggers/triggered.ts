import { randomUUID } from 'node:crypto';
import { Client, Connection } from '@temporalio/client';
import type { JsonObject } from '../../../src/contract/json.ts';
import { definition, transform } from '../../support/definitions.ts';
import { startProduct, type Product, type ProductOptions } from '../../support/product.ts';
import { testTemporal } from '../../support/stack.ts';

export interface ScheduleBody extends Record<string, unknown> {
  id: string;
  workflow: string;
  tag: string | null;
  cron: string;
  next_runs: string[];
  recent: { scheduled_at: string; run_id: string }[];
  paused: boolean;
  drift: string | null;
  last_error: { code: string; message: string; scheduled_at?: string } | null;
  last_repair: { drift: string } | null;
}

/** A product with a Temporal client beside it, as an operator has one. */
export interface Triggered {
  product: Product;
  client: Client;
  /** The schedules of a workflow, as the API lists them. */
  schedules(workflow?: string): Promise<ScheduleBody[]>;
  /** Temporal's handle of a schedule. */
  handle(schedule: Pick<ScheduleBody, 'id' | 'workflow'>): ReturnType<Client['schedule']['getHandle']>;
  /** Lets a schedule fire now, by its own policy; two firings of one second would be one. */
  fire(schedule: Pick<ScheduleBody, 'id' | 'workflow'>): Promise<void>;
  /** What the durable reconciler does, now. */
  reconcile(): Promise<Record<string, number>>;
  /** Saves a definition with these schedules and waits until Temporal has them. */
  publish(tag: string, schedules: JsonObject[], more?: JsonObject): Promise<ScheduleBody[]>;
  stop(): Promise<void>;
}

export async function startTriggered(options: ProductOptions = {}): Promise<Triggered> {
  const product = await startProduct(options);
  const connection = await Connection.connect({ address: testTemporal() });
  const client = new Client({ connection });
  const { task_queue } = product.config.temporal;
  const handle: Triggered['handle'] = ({ id, workflow }) =>
    client.schedule.getHandle(`schedule:${workflow}:${id}@${task_queue}`);
  const schedules = async (workflow?: string) => {
    const query = workflow === undefined ? '' : `&workflow=${workflow}`;
    const { status, body } = await product.call<{ items: ScheduleBody[] }>(
      'GET',
      `/schedules?limit=100${query}`,
    );
    if (status !== 200) throw new Error(`GET /schedules answered ${status}`);
    return body.items;
  };
  return {
    product,
    client,
    schedules,
    handle,
    async fire(schedule) {
      // The SDK's own `trigger` lets everything run at once unless it is told a policy.
      await client.workflowService.patchSchedule({
        namespace: 'default',
        scheduleId: handle(schedule).scheduleId,
        requestId: randomUUID(),
        patch: { triggerImmediately: {} },
      });
      await new Promise((resolve) => setTimeout(resolve, 1_100));
    },
    reconcile: () =>
      client.workflow.execute('reconcileSchedules', {
        workflowId: `reconcile-${randomUUID()}`,
        taskQueue: task_queue,
      }) as Promise<Record<string, number>>,
    async publish(tag, planned, more = {}) {
      const nodes = { a: transform('${{ input }}') };
      const document = definition(tag, nodes, { schedules: planned, ...more });
      const { version_hash } = await product.publish(tag, document);
      return eventually(
        () => schedules(tag),
        (found) =>
          found.length === planned.length &&
          found.every((one) => one.drift === null && one.version_hash === version_hash),
      );
    },
    async stop() {
      // They would outlive the test on the server that all tests share.
      for (const schedule of await schedules())
        await handle(schedule)
          .delete()
          .catch(() => undefined);
      await product.stop();
      await connection.close();
    },
  };
}

/** Asks until the answer is as wanted; fails after `seconds`. */
export async function eventually<T>(
  ask: () => Promise<T>,
  wanted: (answer: T) => boolean,
  seconds = 20,
): Promise<T> {
  const deadline = Date.now() + seconds * 1_000;
  for (;;) {
    const answer = await ask();
    if (wanted(answer)) return answer;
    if (Date.now() > deadline) throw new Error(`still ${JSON.stringify(answer)}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
