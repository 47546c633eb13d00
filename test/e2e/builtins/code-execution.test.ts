import { createHash } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { AGENT_ACTIVITIES } from '../../../src/contract/builtins.ts';
import { AMPLE, definition } from '../../support/definitions.ts';
import { historiesOf, withTemporal } from '../../support/executions.ts';
import { eventually } from '../../support/eventually.ts';
import { startProduct, type Product } from '../../support/product.ts';
import { testTemporal } from '../../support/stack.ts';
import { stopSoundly } from '../../support/stop-soundly.ts';

const STEPS = ['SelectAgent', 'PrepareEnvironment', 'ExecuteCode', 'ProcessResults', 'CleanupEnvironment'];

let product: Product;

beforeAll(async () => {
  product = await startProduct({ code: true, env: { ORCHESTRATOR_WORKER_AGENT_WAIT_SECONDS: '1' } });
});
afterAll(async () => {
  await stopSoundly(product);
});

interface Run {
  id: string;
  state: string;
  output: Record<string, unknown>;
}

async function begin(input: unknown, type = 'code_execution'): Promise<string> {
  const { status, body } = await product.call<Run>('POST', '/runs', { type, input });
  expect([status, body]).toMatchObject([202, { type }]);
  return body.id;
}
const execute = async (input: unknown) => product.ended(await begin(input));
const environments = () =>
  readdir(path.join(product.config.data_dir, 'environments')).catch(() => [] as string[]);

describe('code_execution', () => {
  test('runs a program with files, arguments, environment and stdin, and tells all about it', async () => {
    const blob = await product.call<{ cas_id: string }>('PUT', '/blobs', { rate: 3 });
    const source = `import json, os, sys
table = json.load(open('table.json'))
print(json.dumps({'args': sys.argv[1:], 'rate': table['rate'], 'note': open('dir/note.txt').read(), 'env': os.environ['MODE'], 'stdin': json.load(sys.stdin)}))
os.makedirs('out', exist_ok=True)
open('out/report.txt', 'w').write('done')`;
    const run = await execute({
      language: 'python',
      source,
      files: { 'table.json': blob.body.cas_id, 'dir/note.txt': 'hello' },
      args: ['a', 2],
      env: { MODE: 'fast' },
      stdin: { n: 1 },
      limits: { wall_ms: 60_000 },
    });
    expect(run).toMatchObject({
      type: 'code_execution',
      workflow: 'code_execution',
      state: 'completed',
      output: {
        success: true,
        exit_code: 0,
        cause: 'exited',
        result: { args: ['a', '2'], rate: 3, note: 'hello', env: 'fast', stdin: { n: 1 } },
        stderr: '',
        truncated: false,
        artifacts: [{ path: 'report.txt', size_bytes: 4 }],
      },
    });
    const { usage, agent_id, stdout, stdout_digest } = run.output as Record<string, string>;
    expect(usage).toEqual({
      wall_ms: expect.any(Number) as number,
      cpu_ms: expect.any(Number) as number,
      peak_memory_bytes: expect.any(Number) as number,
    });
    expect(stdout_digest).toBe(
      `sha256:${createHash('sha256')
        .update(stdout ?? '')
        .digest('hex')}`,
    );
    const agent = await product.call<Record<string, unknown>>('GET', `/agents/${String(agent_id)}`);
    expect([agent.status, agent.body]).toMatchObject([200, { id: agent_id, status: 'ready', type: 'code' }]);
  });

  test('has its steps by name, in rows, in events and in Temporal', async () => {
    const { id } = await execute({ language: 'bash', source: 'echo one; echo two >&2' });
    const steps = await product.steps(id);
    expect(steps.map(({ node, state }) => [node, state])).toEqual(STEPS.map((name) => [name, 'succeeded']));
    const events = await product.events(id);
    const succeeded = events.filter(({ type }) => type === 'step.succeeded');
    expect(succeeded.map(({ data }) => data.node)).toEqual(STEPS);
    const logs = events.filter(({ type }) => type === 'step.log').map(({ data }) => [data.stream, data.text]);
    expect(logs.sort()).toEqual([
      ['stderr', 'two\n'],
      ['stdout', 'one\n'],
    ]);
    const [history = []] = await withTemporal(testTemporal(), (client) => historiesOf(client, id));
    const begun = history[0]?.workflowExecutionStartedEventAttributes;
    expect(begun?.workflowType?.name).toBe('code_execution');
    const scheduled = history.flatMap((event) => event.activityTaskScheduledEventAttributes ?? []);
    expect(scheduled.map(({ activityType }) => activityType?.name)).toEqual(STEPS);
    const elsewhere = scheduled.filter(({ taskQueue }) => taskQueue?.name !== begun?.taskQueue?.name);
    expect(elsewhere.map(({ activityType }) => activityType?.name)).toEqual([...AGENT_ACTIVITIES]);
    expect(await environments()).toEqual([]);
  });

  test.each([
    [
      'a program that fails',
      { language: 'bash', source: 'echo no >&2; exit 3' },
      { exit_code: 3, cause: 'exited' },
    ],
    [
      'one whose time is up',
      { language: 'bash', source: 'sleep 60', limits: { wall_ms: 300 } },
      { exit_code: null, cause: 'timeout' },
    ],
  ])('completes for %s, and says that it was no success', async (_what, input, result) => {
    const run = await execute(input);
    expect(run).toMatchObject({ state: 'completed', output: { success: false, ...result } });
  });

  test('shows the beginning of a long output, and keeps the whole', async () => {
    const { output } = (await execute({ language: 'bash', source: 'seq 1 20000' })) as unknown as Run;
    const whole = Array.from({ length: 20_000 }, (_, n) => `${n + 1}\n`).join('');
    expect(output.stdout).toBe(whole.slice(0, 8_192));
    const kept = await fetch(`${product.url}/api/v1/blobs/${String(output.stdout_ref)}`, {
      headers: { authorization: `Bearer ${product.token}` },
    });
    expect(await kept.text()).toBe(whole);
  });

  test.each([
    ['without a source', { language: 'bash' }, ['/input/source']],
    ['in a language there is not', { language: 'cobol', source: 'x' }, ['/input/language']],
    [
      'with what is not known, every problem at once',
      { language: 1, source: '', more: 1 },
      ['/input/language', '/input/source', '/input/more'],
    ],
  ])('is refused %s', async (_what, input, paths) => {
    const { status, body } = await product.call<{ errors: { path: string }[] }>('POST', '/runs', {
      type: 'code_execution',
      input,
    });
    expect(status).toBe(422);
    expect(body.errors.map(({ path: at }) => at)).toEqual(expect.arrayContaining(paths));
  });

  test('fails, naming what is wrong, for files the sandbox would not have', async () => {
    const run = await execute({ language: 'bash', source: 'true', files: { '../up': 'x' } });
    expect(run).toMatchObject({
      state: 'failed',
      error: { code: 'validation_failed', step: 'PrepareEnvironment' },
    });
    expect(await environments()).toEqual([]);
  });

  test('fails when no agent is what was asked for', async () => {
    const run = await execute({
      language: 'bash',
      source: 'true',
      agent: { labels: { planet: 'mars' } },
    });
    expect(run).toMatchObject({ state: 'failed', error: { code: 'agent_unavailable', step: 'SelectAgent' } });
    const states = (await product.steps(run.id)).map(({ node, state }) => [node, state]);
    expect(Object.fromEntries(states)).toEqual({
      SelectAgent: 'failed',
      ...Object.fromEntries(STEPS.slice(1).map((name) => [name, 'skipped'])),
    });
  });

  test.each(['cancel', 'terminate'])(
    'leaves no environment and no program behind after a %s',
    async (command) => {
      const id = await begin({ language: 'bash', source: 'echo begun; sleep 600', limits: AMPLE });
      await eventually(async () => (await product.events(id)).some(({ type }) => type === 'step.log'));
      expect(await environments()).toEqual([id]);
      const reason = command === 'terminate' ? { reason: 'tested' } : {};
      expect((await product.call('POST', `/runs/${id}/${command}`, reason)).status).toBe(202);
      const run = await product.ended(id);
      expect(run.state).toBe(command === 'cancel' ? 'cancelled' : 'terminated');
      const steps = Object.fromEntries((await product.steps(id)).map(({ node, state }) => [node, state]));
      expect(steps).toMatchObject({ ExecuteCode: 'cancelled', CleanupEnvironment: 'succeeded' });
      expect(await environments()).toEqual([]);
    },
  );

  test('can be paused: what runs ends, what is next waits for the resume', async () => {
    const id = await begin({ language: 'bash', source: 'echo begun; sleep 4; echo over', limits: AMPLE });
    await eventually(async () => (await product.events(id)).some(({ type }) => type === 'step.log'));
    await product.call('POST', `/runs/${id}/pause`);
    await product.until(id, ({ state }) => state === 'paused');
    expect((await product.steps(id)).map(({ node }) => node)).toEqual(STEPS.slice(0, 3));
    await product.call('POST', `/runs/${id}/resume`);
    expect(await product.ended(id)).toMatchObject({
      state: 'completed',
      output: { stdout: 'begun\nover\n' },
    });
  });

  test('is started by name and type, and found where workflows are', async () => {
    const body = {
      name: 'sum up',
      type: 'code_execution',
      project_id: (await product.run(await begin({ language: 'bash', source: 'true' }))).project_id,
      input: { language: 'bash', source: 'echo 5' },
    };
    const started = await product.call<Run>('POST', '/workflows', body);
    expect([started.status, started.headers.get('location')]).toEqual([
      202,
      `/api/v1/runs/${started.body.id}`,
    ]);
    const run = await product.ended(started.body.id);
    expect(run).toMatchObject({ workflow: 'sum up', state: 'completed', output: { result: 5 } });
    const found = await product.call<Run>('GET', `/workflows/${run.id}`);
    expect(found.body).toMatchObject({ id: run.id, type: 'code_execution' });
    const list = await product.call<{ items: Run[] }>(
      'GET',
      '/workflows?type=code_execution&status=completed',
    );
    expect(list.body.items.map(({ id }) => id)).toContain(run.id);
    expect((await product.call('GET', `/workflows/${run.id}/metrics`)).status).toBe(200);
    expect((await product.call('POST', `/workflows/${run.id}/cancel`, {})).status).toBe(409);
    const foreign = await product.call('POST', '/workflows', {
      ...body,
      project_id: '00000000-0000-7000-8000-00000000ffff',
    });
    expect(foreign.status).toBe(404);
  });

  test('is a step of a workflow of one’s own', async () => {
    const input = { language: 'bash', source: 'echo $1$1', args: ['${{ input.word }}'] };
    await product.publish(
      'uses-it',
      definition('uses-it', { code: { type: 'run', config: { type: 'code_execution', input } } }),
    );
    const { id } = await product.start('uses-it', { word: 'x' });
    const run = await product.ended(id);
    expect(run).toMatchObject({ state: 'completed', output: { code: { output: { stdout: 'xx\n' } } } });
  });

  test('is forked from its third step: the environment is made again', async () => {
    const first = await execute({ language: 'bash', source: 'echo $1', args: ['one'] });
    const forked = await product.call<Run>('POST', `/runs/${first.id}/fork`, {
      from_step: 'ExecuteCode',
      input_patch: [{ op: 'replace', path: '/args/0', value: 'two' }],
    });
    expect([forked.status, forked.body]).toMatchObject([202, { type: 'code_execution' }]);
    const run = await product.ended(forked.body.id);
    expect(run).toMatchObject({ state: 'completed', output: { stdout: 'two\n' } });
    expect(await environments()).toEqual([]);
  });
});
