import type { Client } from '@temporalio/client';
import { connectTemporal } from '../../../src/clients/temporal-link.ts';
import { temporalCodec } from '../../../src/clients/temporal-codec.ts';
import type { JsonObject } from '../../../src/contract/json.ts';
import { definition, fourLightSteps, transform, wait } from '../../support/definitions.ts';
import { eventually } from '../../support/eventually.ts';
import { contradictions } from '../../support/model-check.ts';
import { testTemporal } from '../../support/stack.ts';
import { startTriggered, type Triggered } from '../triggers/triggered.ts';
import { keysIn, rawList, rawOf, rawSchedule } from './raw.ts';

const KEY = 'a-key-for-what-temporal-keeps-0123456789';
const SETTINGS = { ORCHESTRATOR_RUNS_CONTINUE_AS_NEW_AFTER_EVENTS: '100' };
const codec = temporalCodec({ current: KEY, previous: [] });

/** What must not be readable in Temporal, by where it comes from. */
const CANARY = {
  input: 'canary-of-the-input',
  params: 'canary-of-the-params',
  result: 'canary-of-a-result',
  event: 'canary-of-an-event',
  pause: 'canary-of-a-pause',
  approval: 'canary-of-an-approval',
  child: 'canary-of-a-child',
  failing: 'canary-of-a-failing-step',
  schedule: 'canary-of-a-schedule',
};
/** Why a run was errored, as its failure says. */
const FAILURE = 'not over in its time';

let plain: Triggered;
let sealed: Triggered;

beforeAll(async () => {
  plain = await startTriggered({ env: SETTINGS });
  sealed = await startTriggered({ env: { ...SETTINGS, ORCHESTRATOR_TEMPORAL_CODEC_KEY: KEY } });
});
afterAll(async () => {
  expect(await contradictions(sealed.product.database_url, testTemporal(), codec)).toEqual([]);
  await plain?.stop();
  await sealed?.stop();
});

const event = (name: string, more: JsonObject = {}): JsonObject => ({
  type: 'wait',
  config: { event: name },
  ...more,
});

/** Steps of every kind, a pause, and so many waits that the run continues as new. */
function everything(): JsonObject {
  const nodes: Record<string, JsonObject> = {
    // Put together here, so that it is a result and nothing else.
    result: transform("${{ 'canary-of' + '-a-result' }}"),
    failing: {
      type: 'http',
      config: { url: 'http://${{ input.host }}.invalid/' },
      continue_on_error: true,
    },
    heard: event('news', { needs: ['result'] }),
    asked: { type: 'approval', config: { prompt: 'Ship it?' }, needs: ['heard'] },
    child: {
      type: 'run',
      config: { workflow: 'child', input: { text: '${{ input.child }}' } },
      needs: ['asked'],
    },
  };
  let before = 'child';
  for (let n = 0; n < 40; n += 1) {
    nodes[`w${n}`] = wait(0.02, { needs: [before] });
    before = `w${n}`;
  }
  nodes.last = transform('${{ steps.result.output + steps.heard.output.payload.text }}', { needs: [before] });
  return definition('everything', nodes, {
    params: { text: CANARY.params },
    output: '${{ steps.last.output }}',
  });
}

interface Told {
  id: string;
  child_id: string;
  errored_id: string;
  scheduled_id: string;
  schedule: string;
}

/** A run with all there is to see, one that the engine gave up, and one that a schedule began. */
async function story(on: Triggered): Promise<Told> {
  const { product } = on;
  await product.publish('child', definition('child', { a: transform('${{ input.text }}') }));
  await product.publish('everything', everything());
  const { id } = await product.start('everything', {
    text: CANARY.input,
    child: CANARY.child,
    host: CANARY.failing,
  });
  const waits = (node: string) =>
    eventually(async () =>
      (await product.steps(id)).some((one) => one.node === node && one.state === 'waiting'),
    );
  await waits('heard');
  await product.call('POST', `/runs/${id}/pause`, { reason: CANARY.pause });
  await product.until(id, (run) => run.state === 'paused');
  await product.call('POST', `/runs/${id}/resume`);
  await product.call('POST', `/runs/${id}/events/news`, { text: CANARY.event });
  await waits('asked');
  await product.call('POST', `/runs/${id}/approvals/asked`, {
    decision: 'approve',
    comment: CANARY.approval,
  });
  await product.ended(id);
  const { body } = await product.call<{ items: { id: string }[] }>('GET', `/runs?parent_run_id=${id}`);

  await product.publish('late', definition('late', { w: wait(600) }));
  const errored_id = (await product.start('late', {}, { timeout_seconds: 1 })).id;
  await product.ended(errored_id);

  const [schedule] = await on.publish('scheduled', [{ cron: '@yearly', input: { text: CANARY.schedule } }]);
  await on.fire(schedule!);
  const scheduled = await eventually(async () => {
    const { body } = await product.call<{ items: { id: string }[] }>('GET', '/runs?workflow=scheduled');
    return body.items[0];
  });
  await product.ended(scheduled.id);
  return {
    id,
    child_id: body.items[0]!.id,
    errored_id,
    scheduled_id: scheduled.id,
    schedule: on.handle(schedule!).scheduleId,
  };
}

/** All that Temporal has of the story. */
async function kept(client: Client, told: Told): Promise<Buffer> {
  const ids = [told.id, told.child_id, told.errored_id, told.scheduled_id];
  const executions = await Promise.all(ids.map((id) => rawOf(client, id)));
  return Buffer.concat([...executions.map(({ bytes }) => bytes), await rawSchedule(client, told.schedule)]);
}

const hits = (bytes: Buffer) => [...Object.values(CANARY), FAILURE].filter((text) => bytes.includes(text));

test('without a key Temporal can read all of a run: the search finds what it is to find', async () => {
  const bytes = await kept(plain.client, await story(plain));
  expect(hits(bytes)).toEqual([...Object.values(CANARY), FAILURE]);
  expect(keysIn(bytes).size).toBe(0);
});

describe('with a key', () => {
  let told: Told;
  beforeAll(async () => {
    told = await story(sealed);
  });

  test('nothing of inputs, results, signals and failures can be read in Temporal', async () => {
    const bytes = await kept(sealed.client, told);
    expect(hits(bytes)).toEqual([]);
    expect(keysIn(bytes).size).toBe(1);
  });

  test('every payload of a history is encrypted, but for what Temporal itself has to read', async () => {
    const { events } = await rawOf(sealed.client, told.id);
    expect(events.filter((one) => one.workflowExecutionContinuedAsNewEventAttributes)).not.toHaveLength(0);
    // What the SDK's core notes of local activities (id, type, times) and of patches (id).
    expect([...new Set(events.flatMap((one) => openPayloads(one)))].sort()).toEqual([
      'markerRecordedEventAttributes.details.data.payloads.0',
      'markerRecordedEventAttributes.details.patch-data.payloads.0',
    ]);
  });

  test('a light run costs Temporal as many events as without', async () => {
    const [without, encrypted] = await Promise.all([plain, sealed].map(lightEvents));
    expect(encrypted).toEqual(without);
  });

  test('a failure tells nothing but its code', async () => {
    const { events } = await rawOf(sealed.client, told.errored_id);
    const failure = events.at(-1)?.workflowExecutionFailedEventAttributes?.failure;
    expect(failure).toMatchObject({
      message: 'Encoded failure',
      applicationFailureInfo: { type: 'timed_out' },
    });
    expect(failure?.stackTrace ?? '').toBe('');
  });

  test('the product shows all of it', async () => {
    const { product } = sealed;
    const run = await product.run(told.id);
    expect(run).toMatchObject({
      state: 'completed',
      output: CANARY.result + CANARY.event,
      input: { text: CANARY.input },
    });
    const steps = Object.fromEntries((await product.steps(told.id)).map((step) => [step.node, step]));
    expect(steps.asked?.output).toMatchObject({ comment: CANARY.approval });
    expect(JSON.stringify(steps.failing)).toContain(CANARY.failing);
    const { body } = await product.call<{ items: { type: string; payload: unknown }[] }>(
      'GET',
      `/runs/${told.id}/commands`,
    );
    expect(JSON.stringify(body.items.find(({ type }) => type === 'pause'))).toContain(CANARY.pause);
    expect(await product.run(told.errored_id)).toMatchObject({
      state: 'errored',
      error: { message: expect.stringContaining(FAILURE) as unknown },
    });
    expect(await product.run(told.scheduled_id)).toMatchObject({ output: { a: { text: CANARY.schedule } } });
  });

  test('Temporal lists and counts runs as it does without: by workflow, project, type and state', async () => {
    const query = `OrchestratorWorkflow = 'everything' AND OrchestratorState = 'completed' AND TaskQueue = '${sealed.product.config.temporal.task_queue}'`;
    const { ids, bytes } = await eventually(async () => {
      const list = await rawList(sealed.client, query);
      return list.ids.length > 0 ? list : undefined;
    });
    expect(new Set(ids)).toEqual(new Set([told.id]));
    expect(hits(bytes)).toEqual([]);
  });

  test('who has the key reads executions as the product does: how they closed, what jobs report', async () => {
    const { namespace, task_queue } = sealed.product.config.temporal;
    const link = await connectTemporal({
      address: testTemporal(),
      namespace,
      task_queue,
      eager: false,
      codec: { current: KEY, previous: [] },
    });
    try {
      const { temporal_run_id } = (await link.executions.describe(told.id))!;
      expect(await link.executions.closing({ run_id: told.id, temporal_run_id })).toMatchObject({
        result: { state: 'completed' },
      });
      const { job } = await link.maintenance.start('fsck', {});
      const done = await eventually(async () => {
        const found = await link.maintenance.find(job.id);
        return found?.state === 'completed' ? found : undefined;
      });
      expect(done).toMatchObject({ request: {}, report: expect.any(Object) as unknown });
    } finally {
      await link.close();
    }
  });

  test('an API without the key says that Temporal cannot be used, and nothing else', async () => {
    const { namespace, task_queue } = sealed.product.config.temporal;
    const codec = { current: 'another-key-of-which-nobody-knows-anything', previous: [] };
    const link = await connectTemporal({
      address: testTemporal(),
      namespace,
      task_queue,
      eager: false,
      codec,
    });
    try {
      await expect(link.executions.describe(told.id)).rejects.toMatchObject({
        code: 'temporal_unavailable',
        message: expect.not.stringContaining('key') as unknown,
      });
    } finally {
      await link.close();
    }
  });
});

/** The types of the events of a run of four light steps. */
async function lightEvents({ product, client }: Triggered): Promise<unknown[]> {
  await product.publish('light', fourLightSteps('light'));
  const { id } = await product.start('light', { n: 1 });
  await product.ended(id);
  const events = await eventually(async () => {
    const raw = await rawOf(client, id);
    return raw.events.at(-1)?.workflowExecutionCompletedEventAttributes ? raw.events : undefined;
  });
  return events.map((event) => event.eventType);
}

/** Where payloads are that anybody can read, by the path of names to them; indexed and Temporal's own ones are left out. */
function openPayloads(value: unknown, path: string[] = []): string[] {
  if (value === null || typeof value !== 'object' || value instanceof Uint8Array) return [];
  if (path.includes('searchAttributes') || path.includes('header')) return [];
  const { metadata, data } = value as { metadata?: Record<string, Uint8Array>; data?: unknown };
  if (metadata?.encoding && data !== undefined) {
    const encoding = Buffer.from(metadata.encoding).toString();
    return encoding === 'binary/encrypted' ? [] : [path.join('.')];
  }
  return Object.entries(value).flatMap(([name, child]) => openPayloads(child, [...path, name]));
}
