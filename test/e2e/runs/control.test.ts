import { Client, Connection } from '@temporalio/client';
import { bash, definition, transform, wait } from '../../support/definitions.ts';
import { eventually } from '../../support/eventually.ts';
import { startProduct, type Product } from '../../support/product.ts';
import { contradictions } from '../../support/model-check.ts';
import { testTemporal } from '../../support/stack.ts';

let product: Product;
let connection: Connection;
let client: Client;

beforeAll(async () => {
  product = await startProduct({ code: true });
  connection = await Connection.connect({ address: testTemporal() });
  client = new Client({ connection });
});
afterAll(async () => {
  expect(await contradictions(product.database_url, testTemporal())).toEqual([]);
  await connection.close();
  await product.stop();
});

async function begin(name: string, nodes: Parameters<typeof definition>[1]) {
  await product.publish(name, definition(name, nodes));
  const { id } = await product.start(name);
  return id;
}

const typesOf = async (id: string) => (await product.events(id)).map((event) => event.type);
const stepState = async (id: string, node: string) =>
  (await product.steps(id)).find((step) => step.node === node)?.state;

const untilStep = (id: string, node: string, state: string) =>
  eventually(async () => (await stepState(id, node)) === state);

test('a pause is `paused` only once nothing is in flight, and dispatches nothing', async () => {
  const id = await begin('quiet', {
    slow: bash('sleep 12; echo done'),
    next: transform('${{ steps.slow.output.stdout }}', { needs: ['slow'] }),
  });
  await untilStep(id, 'slow', 'running');
  const paused = await product.call<{ state: string; command: { state: string } }>(
    'POST',
    `/runs/${id}/pause`,
  );
  expect(paused.status).toBe(202);
  expect(await stepState(id, 'slow')).toBe('running');
  await product.until(id, (run) => run.state === 'paused');
  expect(await stepState(id, 'slow')).toBe('succeeded');
  expect(await stepState(id, 'next')).toBeUndefined();
  const types = await typesOf(id);
  expect(types.indexOf('run.paused')).toBeGreaterThan(types.indexOf('step.succeeded'));
  expect((await product.call('POST', `/runs/${id}/resume`)).status).toBe(202);
  expect(await product.ended(id)).toMatchObject({ state: 'completed', output: { next: 'done\n' } });
});

test('a pause stops the clock of a wait; what is left runs on after it', async () => {
  const id = await begin('clock', { w: wait(8) });
  await untilStep(id, 'w', 'waiting');
  await product.call('POST', `/runs/${id}/pause`);
  await product.until(id, (run) => run.state === 'paused');
  await new Promise((resolve) => setTimeout(resolve, 8_500));
  expect((await product.run(id)).state).toBe('paused');
  await product.call('POST', `/runs/${id}/resume`);
  expect((await product.ended(id)).state).toBe('completed');
  const [step] = await product.steps(id);
  // The whole wait, and the pause in between.
  expect((step?.output as { waited_ms: number }).waited_ms).toBeGreaterThan(16_000);
});

test('a resume overtakes a pause that is still pending', async () => {
  const id = await begin('overtaken', { slow: bash('sleep 12'), next: transform(1, { needs: ['slow'] }) });
  await untilStep(id, 'slow', 'running');
  await product.call('POST', `/runs/${id}/commands`, { id: 'p', type: 'pause' });
  expect((await product.call('POST', `/runs/${id}/commands`, { id: 'r', type: 'resume' })).status).toBe(202);
  expect((await product.ended(id)).state).toBe('completed');
  const { body } = await product.call<{ items: { id: string; state: string }[] }>(
    'GET',
    `/runs/${id}/commands`,
  );
  expect(body.items.map(({ id, state }) => [id, state])).toEqual([
    ['p', 'superseded'],
    ['r', 'acknowledged'],
  ]);
});

test('a cancel ends what is in flight and closes the execution as Canceled', async () => {
  const id = await begin('cancelled', {
    slow: bash('sleep 60'),
    w: wait(600),
    next: transform(1, { needs: ['slow'] }),
  });
  await untilStep(id, 'slow', 'running');
  const answer = await product.call('POST', `/runs/${id}/cancel`, { reason: 'not needed' });
  expect(answer.status).toBe(202);
  expect(await product.ended(id)).toMatchObject({ state: 'cancelled', reason: 'not needed' });
  expect(await stepState(id, 'slow')).toBe('cancelled');
  expect(await stepState(id, 'w')).toBe('cancelled');
  await expectStatus(id, 'CANCELLED');
  expect((await product.call('POST', `/runs/${id}/cancel`)).status).toBe(409);
});

test('a terminate closes the execution as Terminated', async () => {
  const id = await begin('terminated', { slow: bash('trap "" TERM; sleep 60') });
  await untilStep(id, 'slow', 'running');
  expect((await product.call('POST', `/runs/${id}/terminate`, {})).status).toBe(422);
  expect((await product.call('POST', `/runs/${id}/terminate`, { reason: 'stop it' })).status).toBe(202);
  expect(await product.ended(id)).toMatchObject({ state: 'terminated', reason: 'stop it' });
  await expectStatus(id, 'TERMINATED');
});

test('a cancel in Temporal itself is a cancel of the run', async () => {
  const id = await begin('web-ui', { w: wait(600) });
  await untilStep(id, 'w', 'waiting');
  await client.workflow.getHandle(id).cancel();
  expect(await product.ended(id)).toMatchObject({ state: 'cancelled', reason: 'Cancelled in Temporal.' });
  await expectStatus(id, 'CANCELLED');
});

test('one command sent ten times at once acts once; another content under its id is refused', async () => {
  const id = await begin('ten-times', { w: wait(600) });
  await untilStep(id, 'w', 'waiting');
  const send = () =>
    product.call<{ id: string }>('POST', `/runs/${id}/commands`, { id: 'only-one', type: 'pause' });
  const answers = await Promise.all(Array.from({ length: 10 }, send));
  expect(answers.map((answer) => answer.status).sort()).toEqual([...Array<number>(9).fill(200), 202]);
  await product.until(id, (run) => run.state === 'paused');
  const other = await product.call('POST', `/runs/${id}/commands`, {
    id: 'only-one',
    type: 'cancel',
    payload: { reason: 'x' },
  });
  expect(other.status).toBe(409);
  expect((await typesOf(id)).filter((type) => type === 'run.paused')).toHaveLength(1);
  expect((await typesOf(id)).filter((type) => type === 'command.queued')).toHaveLength(1);
  expect((await product.call('POST', `/runs/${id}/pause`)).status).toBe(409);
  await product.call('POST', `/runs/${id}/terminate`, { reason: 'enough' });
  expect((await product.ended(id)).state).toBe('terminated');
});

test('a terminate that races the end leaves one final state, everywhere the same', async () => {
  await product.publish('race', definition('race', { a: transform(1), w: wait(0.05, { needs: ['a'] }) }));
  const races = Array.from({ length: 20 }, async (_, n) => {
    const { id } = await product.start('race');
    await new Promise((resolve) => setTimeout(resolve, n * 8));
    const { status } = await product.call('POST', `/runs/${id}/terminate`, { reason: 'race' });
    const run = await product.ended(id);
    expect([202, 409]).toContain(status);
    expect(['completed', 'terminated']).toContain(run.state);
    return run.state;
  });
  // That the three stores agree is what the model check at the end of this file looks at.
  expect((await Promise.all(races)).length).toBe(20);
});

test('Temporal shows workflow, project, type and state of a run', async () => {
  const id = await begin('shown', { w: wait(600) });
  await untilStep(id, 'w', 'waiting');
  const described = await client.workflow.getHandle(id).describe();
  expect(described.type).toBe('dag');
  expect(described.memo).toMatchObject({ workflow: 'shown', type: 'dag' });
  expect(described.searchAttributes).toMatchObject({
    OrchestratorWorkflow: ['shown'],
    OrchestratorType: ['dag'],
    OrchestratorState: ['running'],
  });
  await product.call('POST', `/runs/${id}/pause`);
  await product.until(id, (run) => run.state === 'paused');
  // The row goes first; Temporal has it with the end of the same workflow task.
  for (let tries = 0; tries < 200; tries++) {
    const { searchAttributes } = await client.workflow.getHandle(id).describe();
    if (String(searchAttributes.OrchestratorState) === 'paused') break;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  const paused = await client.workflow.getHandle(id).describe();
  expect(paused.searchAttributes).toMatchObject({ OrchestratorState: ['paused'] });
  await product.call('POST', `/runs/${id}/terminate`, { reason: 'seen' });
  await product.ended(id);
});

const expectStatus = (id: string, status: string) =>
  eventually(async () => (await client.workflow.getHandle(id).describe()).status.name === status);

test('a run that is not over in its time is errored, with what it had under way cancelled and the rest undone', async () => {
  await product.publish(
    'deadline',
    definition('deadline', {
      a: transform(1, { compensate: transform('undone') }),
      slow: bash('sleep 60', { needs: ['a'] }),
      w: wait(60),
    }),
  );
  const { id } = await product.start('deadline', {}, { timeout_seconds: 5 });
  expect(await product.ended(id)).toMatchObject({
    state: 'errored',
    reason: 'timed_out',
    timeout_seconds: 5,
    error: { code: 'timed_out' },
  });
  expect(await stepState(id, 'slow')).toBe('cancelled');
  expect(await stepState(id, 'a.compensate')).toBe('succeeded');
});

test('a pause stops the clock of the run', async () => {
  await product.publish(
    'deadline-paused',
    definition('deadline-paused', { w: { type: 'wait', config: { event: 'go' } } }),
  );
  const { id } = await product.start('deadline-paused', {}, { timeout_seconds: 6 });
  await untilStep(id, 'w', 'waiting');
  await product.call('POST', `/runs/${id}/pause`);
  await product.until(id, (run) => run.state === 'paused');
  await new Promise((resolve) => setTimeout(resolve, 6_500));
  expect(await product.run(id)).toMatchObject({ state: 'paused' });
  await product.call('POST', `/runs/${id}/resume`);
  await product.call('POST', `/runs/${id}/events/go`);
  expect(await product.ended(id)).toMatchObject({ state: 'completed' });
});
