import { startProduct, type Product } from '../../support/product.ts';
import { randomFrom } from '../../support/random.ts';
import { stopSoundly } from '../../support/stop-soundly.ts';
import { experiment, externalApi, type CommandBody } from './external-api.ts';

let product: Product;
let api: ReturnType<typeof externalApi>;

beforeAll(async () => {
  product = await startProduct({ worker: false });
  api = externalApi(product);
  await product.publish('trainer', experiment('trainer'));
});
afterAll(async () => {
  await stopSoundly(product);
});

/** A run with a runtime. */
async function running(): Promise<string> {
  const id = await api.open('trainer');
  expect((await api.beat(id)).status).toBe(200);
  return id;
}

/** Issues a command, fetches it and answers it. */
async function obeyed(id: string, type: string, payload: Record<string, unknown> = {}, ack = {}) {
  expect((await api.issue(id, type, type, payload)).status).toBe(202);
  expect((await api.next(id)).body.id).toBe(type);
  const answer = await api.ack(id, type, ack);
  expect([answer.status, answer.body]).toMatchObject([200, { id: type }]);
  return answer.body;
}

const typesOf = async (id: string) => (await product.events(id)).map(({ type }) => type);
const outcomes = async (id: string) => (await api.commands(id)).map(({ id, state }) => [id, state]);

test('a command is handed out with a lease, one at a time and in order, each once it is its turn', async () => {
  const id = await running();
  expect((await api.next(id)).status).toBe(204);
  await api.issue(id, 'a', 'pause');
  await api.issue(id, 'b', 'tune', { params: { learning_rate: 0.2 } });
  const first = await api.next(id);
  expect(first).toMatchObject({
    status: 200,
    body: { id: 'a', type: 'pause', state: 'delivered', deliveries: 1 },
  });
  expect(first.body.lease_token).toEqual(expect.any(String));
  // Somebody has it, and nobody gets the one behind it.
  expect((await api.next(id)).status).toBe(204);
  expect((await api.ack(id, 'b')).status).toBe(409);
  await api.endLeases(id);
  const again = await api.next(id);
  expect(again.body).toMatchObject({ id: 'a', deliveries: 2 });
  expect(again.body.lease_token).not.toBe(first.body.lease_token);
  const late = await api.ack(id, 'a', { lease_token: first.body.lease_token });
  expect(late).toMatchObject({ status: 409, body: { code: 'lease_lost' } });
  expect((await api.ack(id, 'a', { lease_token: again.body.lease_token })).status).toBe(200);
  expect((await api.next(id)).body.id).toBe('b');
});

test('acknowledged commands make the transitions, with an event each', async () => {
  const id = await running();
  await obeyed(id, 'pause');
  expect(await product.run(id)).toMatchObject({ state: 'paused' });
  await obeyed(id, 'resume');
  expect(await product.run(id)).toMatchObject({ state: 'running' });
  const applied = { final_checkpoint: `sha256:${'0'.repeat(64)}`, checkpoint_version: 7 };
  const terminated = await obeyed(id, 'terminate', { reason: 'enough', final_checkpoint: true }, { applied });
  expect(terminated).toMatchObject({ state: 'acknowledged', applied, payload: { final_checkpoint: true } });
  expect(await product.run(id)).toMatchObject({
    state: 'terminated',
    reason: 'enough',
  });
  expect((await typesOf(id)).filter((type) => type !== 'run.runtime_status_changed')).toEqual([
    ...['run.queued', 'run.started', 'command.queued', 'command.acknowledged', 'run.paused'],
    ...['command.queued', 'command.acknowledged', 'run.resumed'],
    ...['command.queued', 'command.acknowledged', 'run.terminated'],
  ]);
  const { body } = await product.call<{ snapshot: Record<string, unknown> }>('GET', `/runs/${id}/snapshot`);
  expect(body.snapshot).toMatchObject({
    run_id: id,
    workflow: 'trainer',
    steps: [],
    outcome: { state: 'terminated' },
  });
  expect(await api.next(id)).toMatchObject({ status: 409, body: { code: 'run_final' } });
  expect(await api.issue(id, 'late', 'pause')).toMatchObject({ status: 409, body: { code: 'run_final' } });
});

test('a rejected command changes nothing but itself', async () => {
  const id = await running();
  const { state, reason } = await obeyed(
    id,
    'pause',
    {},
    { status: 'rejected', reason: 'in the middle of it' },
  );
  expect([state, reason]).toEqual(['rejected', 'in the middle of it']);
  expect(await product.run(id)).toMatchObject({ state: 'running' });
});

test('a tune sets what the runtime has applied, and keeps it as its history', async () => {
  const id = await running();
  await obeyed(
    id,
    'tune',
    { params: { learning_rate: 0.5, note: 'faster' } },
    { applied: { learning_rate: 0.4 } },
  );
  expect(await product.run(id)).toMatchObject({ state: 'running', params: { learning_rate: 0.4 } });
  await api.issue(id, 'second', 'tune', { params: { clip_epsilon: 0.2 } });
  await api.next(id);
  const wrong = await api.ack(id, 'second', { applied: { clip_epsilon: 7 } });
  expect(wrong).toMatchObject({ status: 422, body: { errors: [{ path: '/applied/clip_epsilon' }] } });
  expect((await api.ack(id, 'second')).status).toBe(200);
  expect(await product.run(id)).toMatchObject({ params: { learning_rate: 0.4, clip_epsilon: 0.2 } });
  expect((await api.commands(id)).map(({ applied }) => applied)).toEqual([{ learning_rate: 0.4 }, null]);
});

describe('what a tune may set', () => {
  test('is bounded by the training profile, every problem at once', async () => {
    const id = await running();
    const answer = await product.call('POST', `/runs/${id}/tune`, { params: { learning_rate: 2, deep: {} } });
    expect(answer).toMatchObject({
      status: 422,
      body: { code: 'input_invalid', errors: [{ path: '/params/learning_rate' }, { path: '/params/deep' }] },
    });
    expect((await product.call('POST', `/runs/${id}/tune`, { params: {} })).status).toBe(422);
    expect((await product.call('POST', `/runs/${id}/tune`, {})).status).toBe(422);
    const command = await api.issue(id, 't', 'tune', { params: { entropy_coef: 1 } });
    expect([command.status, command.body.errors]).toMatchObject([
      422,
      [{ path: '/payload/params/entropy_coef' }],
    ]);
    expect(await api.commands(id)).toEqual([]);
    const good = await product.call<{ command: CommandBody }>('POST', `/runs/${id}/tune`, {
      params: { learning_rate: 1 },
      reason: 'why not',
    });
    expect([good.status, good.body.command]).toMatchObject([202, { type: 'tune', state: 'queued' }]);
  });

  test('is bounded by the params_schema of a definition that has one', async () => {
    const params_schema = { properties: { learning_rate: { maximum: 50 } } };
    await product.publish('bounded', experiment('bounded', { params_schema }));
    const id = await api.open('bounded');
    const tune = (learning_rate: number) =>
      product.call('POST', `/runs/${id}/tune`, { params: { learning_rate } });
    expect((await tune(50)).status).toBe(202);
    expect((await tune(51)).status).toBe(422);
  });

  test('a run of Temporal takes a tune too', async () => {
    const { id } = await product.start('trainer');
    expect((await product.call('POST', `/runs/${id}/tune`, { params: { learning_rate: 1 } })).status).toBe(
      202,
    );
    expect((await api.next(id)).status).toBe(409);
  });
});

test('an answer after the first one gets the first outcome', async () => {
  const id = await running();
  await api.issue(id, 'p', 'pause');
  await api.next(id);
  expect((await api.ack(id, 'p')).body.state).toBe('acknowledged');
  const second = await api.ack(id, 'p', {
    status: 'rejected',
    reason: 'no',
    lease_token: '01900000-0000-7000-8000-000000000000',
  });
  expect([second.status, second.body]).toMatchObject([200, { state: 'acknowledged', reason: null }]);
  expect((await product.run(id)).state).toBe('paused');
  expect((await api.ack(id, 'unknown')).status).toBe(404);
});

test('a resume overtakes a pause that was not answered, whether or not it was fetched', async () => {
  for (const fetched of [false, true]) {
    const id = await running();
    await api.issue(id, 'p', 'pause');
    if (fetched) expect((await api.next(id)).body.id).toBe('p');
    expect((await api.issue(id, 'r', 'resume')).status).toBe(202);
    expect((await api.commands(id))[0]).toMatchObject({ id: 'p', state: 'superseded', superseded_by: 'r' });
    // The runtime may have paused before it heard of the resume: that changes nothing any more.
    if (fetched) expect((await api.ack(id, 'p')).body.state).toBe('superseded');
    expect((await api.next(id)).body.id).toBe('r');
    expect((await api.ack(id, 'r')).body.state).toBe('acknowledged');
    expect((await product.run(id)).state).toBe('running');
    expect(await typesOf(id)).toEqual(expect.arrayContaining(['command.superseded']));
    expect(await typesOf(id)).not.toContain('run.paused');
  }
});

test('a precondition that held when a command was accepted is asked again when it is applied', async () => {
  const id = await running();
  await obeyed(id, 'pause');
  for (const name of ['r1', 'r2']) expect((await api.issue(id, name, 'resume')).status).toBe(202);
  for (const name of ['r1', 'r2']) {
    expect((await api.next(id)).body.id).toBe(name);
    await api.ack(id, name);
  }
  expect((await api.commands(id)).slice(1).map(({ state, reason }) => [state, reason])).toEqual([
    ['acknowledged', null],
    ['rejected', 'The run is not paused.'],
  ]);
  expect((await typesOf(id)).filter((type) => type === 'run.resumed')).toHaveLength(1);
});

test.each([
  ['cancel', {}, 'cancelled'],
  ['terminate', { reason: 'no runtime' }, 'terminated'],
])('%s ends a run at once that no runtime was heard of', async (type, payload, state) => {
  const id = await api.open('trainer');
  const answer = await api.issue(id, 'end', type, payload);
  expect([answer.status, answer.body]).toMatchObject([202, { state: 'acknowledged' }]);
  expect((await product.run(id)).state).toBe(state);
  expect((await api.issue(id, 'end', type, payload)).status).toBe(200);
  expect(await api.beat(id)).toMatchObject({ status: 409, body: { code: 'run_final' } });
});

test('the first heartbeat and a cancel that come at once leave one story', async () => {
  for (let round = 0; round < 10; round++) {
    const id = await api.open('trainer');
    const [beat, cancel] = await Promise.all([api.beat(id), api.issue(id, 'c', 'cancel')]);
    expect(cancel.status).toBe(202);
    const run = await product.run(id);
    if (beat.status === 200) {
      expect(run.state).toBe('running');
      expect((await api.next(id)).body.id).toBe('c');
      await api.ack(id, 'c');
      expect((await product.run(id)).state).toBe('cancelled');
    } else expect([beat.status, run.state]).toEqual([409, 'cancelled']);
  }
});

describe('whoever waits for a command', () => {
  test('gets it when it is issued', async () => {
    const id = await running();
    const waiting = api.next(id, 30);
    await api.issue(id, 'p', 'pause');
    expect((await waiting).body.id).toBe('p');
  });

  test('gets the next one when the one before is answered, and the same one when its lease ends', async () => {
    const id = await running();
    await api.issue(id, 'a', 'tune', { params: { learning_rate: 0.3 } });
    await api.next(id);
    await api.issue(id, 'b', 'tune', { params: { learning_rate: 0.4 } });
    const waiting = api.next(id, 30);
    await api.ack(id, 'a');
    expect((await waiting).body.id).toBe('b');
    const sql = `UPDATE run_command SET lease_expires_at = clock_timestamp() + interval '300 ms' WHERE run_id = $1`;
    await product.database.pool.query(sql, [id]);
    expect((await api.next(id, 30)).body).toMatchObject({ id: 'b', deliveries: 2 });
  });

  test('is told when the run ends', async () => {
    const id = await running();
    const waiting = api.next(id, 30);
    await product.call('POST', `/runs/${id}/complete`, { state: 'completed' });
    expect(await waiting).toMatchObject({ status: 409, body: { code: 'run_final' } });
  });

  test('and hangs up takes nothing with him', async () => {
    const id = await running();
    const gone = new AbortController();
    const url = `${product.url}/api/v1/runs/${id}/commands/next?wait=30`;
    const left = fetch(url, { headers: { authorization: `Bearer ${product.token}` }, signal: gone.signal });
    gone.abort();
    await expect(left).rejects.toThrow();
    await api.issue(id, 'p', 'pause');
    expect((await api.next(id, 5)).body).toMatchObject({ id: 'p' });
  });
});

test.each([
  ['pause', {}],
  ['tune', { params: { learning_rate: 0.7 } }],
  ['terminate', { reason: 'ten times' }],
  ['cancel', { reason: 'ten times' }],
])('%s sent ten times at once, and answered ten times at once, acts once', async (type, payload) => {
  const id = await running();
  const sent = await Promise.all(Array.from({ length: 10 }, () => api.issue(id, 'one', type, payload)));
  expect(sent.map(({ status }) => status).sort()).toEqual([...Array<number>(9).fill(200), 202]);
  const polls = await Promise.all(Array.from({ length: 10 }, () => api.next(id)));
  expect(polls.map(({ status }) => status).sort()).toEqual([200, ...Array<number>(9).fill(204)]);
  const answers = await Promise.all(
    Array.from({ length: 10 }, (_, n) => api.ack(id, 'one', n % 2 === 0 ? {} : { status: 'rejected' })),
  );
  expect(answers.map(({ status }) => status)).toEqual(Array<number>(10).fill(200));
  const states = new Set(answers.map(({ body }) => body.state));
  expect(states.size).toBe(1);
  const ended = (await typesOf(id)).filter((one) => one.startsWith('command.') && one !== 'command.queued');
  expect(ended).toEqual([`command.${[...states][0]}`]);
  const { state } = await product.run(id);
  const applied = { pause: 'paused', tune: 'running', terminate: 'terminated', cancel: 'cancelled' }[type];
  expect(state).toBe(states.has('acknowledged') ? applied : 'running');
});

test('eight pollers that die at random answer every command once, in order', async () => {
  const seed = Number(process.env.TEST_SEED ?? Date.now() % 1_000_000);
  process.stderr.write(`pollers: TEST_SEED=${seed}\n`);
  const random = randomFrom(seed);
  const id = await running();
  const names = Array.from({ length: 40 }, (_, n) => `c${String(n).padStart(2, '0')}`);
  for (const [n, name] of names.entries())
    await api.issue(id, name, 'tune', { params: { learning_rate: (n + 1) / 100 } });
  const answered = new Set<string>();
  const poller = async () => {
    while (answered.size < names.length) {
      const { status, body } = await api.next(id);
      if (status !== 200) {
        await new Promise((resolve) => setTimeout(resolve, 2 + random.below(5)));
        continue;
      }
      const fate = random.below(10);
      // Dies with the command, or between its answer and hearing that it was taken.
      if (fate < 3) await api.endLeases(id);
      else {
        const ack = await api.ack(id, body.id, { lease_token: body.lease_token });
        expect([200, 409]).toContain(ack.status);
        if (ack.status === 200) answered.add(body.id);
        if (fate < 5) expect((await api.ack(id, body.id)).status).toBe(200);
      }
    }
  };
  await Promise.all(Array.from({ length: 8 }, poller));
  expect([...answered].sort()).toEqual(names);
  expect(await outcomes(id)).toEqual(names.map((name) => [name, 'acknowledged']));
  const events = (await product.events(id)).filter(({ type }) => type === 'command.acknowledged');
  expect(events.map(({ data }) => data.id)).toEqual(names);
  expect(await product.run(id)).toMatchObject({ params: { learning_rate: 0.4 } });
});
