import { randomUUID } from 'node:crypto';
import type { Json, JsonObject } from '../../../src/contract/json.ts';
import { backTestView } from '../../../src/api/schemas/evidence.ts';
import type { RunBody } from '../../support/api-client.ts';
import { definition, transform } from '../../support/definitions.ts';
import { eventually } from '../../support/eventually.ts';
import { startFlakyProduct, type FlakyProduct } from '../../support/flaky-product.ts';
import type { FlakyServer } from '../../support/flaky-server.ts';
import type { Product } from '../../support/product.ts';

interface Tried extends Record<string, unknown> {
  run_id: string;
  verdict: string;
  state: { then: string; now: string | null };
  same_output: boolean | null;
  refused: { path: string }[];
  fails: { node: string | null; path: string; message: string }[];
  changes: { node: string; kind: string; then: string | null; now: string | null; output_now?: Json }[];
  unknown: { node: string | null; reason: string }[];
}
interface BackTest extends Record<string, unknown> {
  version_hash: string;
  summary: Record<string, number>;
  nodes: { node: string; runs: Record<string, number> }[];
  runs: Tried[];
  left_out: number;
}

let flaky: FlakyProduct;
let product: Product;
let server: FlakyServer;
let made = 0;

beforeAll(async () => {
  flaky = await startFlakyProduct();
  ({ product, server } = flaky);
});
afterAll(() => flaky?.stop());

type Nodes = Record<string, JsonObject>;

async function published(nodes: Nodes, more: JsonObject = {}): Promise<string> {
  const name = `tried${++made}`;
  await product.publish(name, definition(name, nodes, more));
  return name;
}

const run = async (workflow: string, input: unknown = {}, more: Record<string, unknown> = {}) =>
  product.ended((await product.start(workflow, input, more)).id);

/** Tries what a workflow would be with other nodes on its runs; its answer is what the API says it answers. */
async function tried(workflow: string, nodes: Nodes, more: JsonObject = {}): Promise<BackTest> {
  const to = `${workflow}-other${++made}`;
  await product.publish(to, definition(workflow, nodes, more));
  return asked(`/workflows/${workflow}/back-test?to=${to}`);
}

async function asked(path: string): Promise<BackTest> {
  const { status, body } = await product.call<BackTest>('GET', path);
  expect([status, body]).toMatchObject([200, { left_out: 0 }]);
  expect(() => backTestView.parse(body)).not.toThrow();
  return body;
}

const only = ({ runs }: BackTest): Tried => {
  expect(runs).toHaveLength(1);
  return runs[0]!;
};

describe('runs tried on the version they ran', () => {
  const wait: JsonObject = { type: 'wait', config: { event: 'go' } };
  const http = (path: string, more: JsonObject = {}): JsonObject => ({
    type: 'http',
    config: { url: `${server.url}/\${{ input.word }}${path}` },
    ...more,
  });
  const quickly = { max_attempts: 3, initial_interval_ms: 1 };

  const kinds: [string, () => Nodes, JsonObject?][] = [
    [
      'guards',
      () => ({
        a: transform('${{ input.n }}'),
        b: transform(1, { needs: ['a'], if: '${{ steps.a.output > 5 }}' }),
        c: transform(2, { needs: ['b'] }),
        d: transform(3, { needs: ['b'], if: '${{ always() }}' }),
      }),
    ],
    [
      'a failure that is tolerated',
      () => ({
        a: transform('${{ input.nothing }}', { continue_on_error: true }),
        b: transform('${{ steps.a.error.code }}', { needs: ['a'] }),
      }),
    ],
    [
      'a failure, beside others and with something to undo',
      () => ({
        a: transform(1, { compensate: transform('undone') }),
        b: transform('${{ input.nothing }}', { needs: ['a'] }),
        c: http('/a', { needs: ['a'] }),
        d: transform(2, { needs: ['c'] }),
        e: transform(3, { needs: ['d'], if: '${{ always() }}' }),
      }),
    ],
    ['an output that fails', () => ({ a: transform(1) }), { output: '${{ steps.a.output.nothing }}' }],
    [
      'retries',
      () => ({
        a: http('/fail-2', { retry: quickly }),
        b: transform('${{ steps.a.output.status }}', { needs: ['a'] }),
      }),
    ],
    [
      'maps',
      () => ({
        a: transform([1, 2, 3]),
        m: {
          type: 'map',
          needs: ['a'],
          config: {
            items: '${{ steps.a.output }}',
            on_item_error: 'continue',
            node: transform('${{ 6 / item + input.n }}'),
          },
        },
        h: {
          type: 'map',
          needs: ['a'],
          config: { items: '${{ steps.a.output }}', node: http('/${{ item }}') },
        },
        s: transform('${{ steps.m.output }}', { needs: ['m', 'h'] }),
      }),
    ],
    [
      'a value that is kept as a blob',
      () => ({
        a: transform('${{ input.many.map(i, "0123456789012345678901234567890123456789") }}'),
        b: transform('${{ size(steps.a.output) }}', { needs: ['a'] }),
      }),
    ],
  ];

  it.each(kinds)('are the same: %s', async (_, nodes, more = {}) => {
    const name = await published(nodes(), more);
    await run(name, { n: 3, word: 'x', many: new Array(900).fill(0) as Json[] });
    await run(name, { n: 9, word: 'y', many: [] });
    const { summary, runs } = await asked(`/workflows/${name}/back-test?to=${name}`);
    expect(runs.flatMap(({ changes, fails, unknown }) => [...changes, ...fails, ...unknown])).toEqual([]);
    expect(summary).toEqual({ runs: 2, same: 2, different: 0, invalid: 0, undecided: 0 });
  });

  it('are the same: waits, and params that were tuned meanwhile', async () => {
    const name = await published(
      {
        before: transform('${{ params.speed }}'),
        go: { ...wait, needs: ['before'] },
        after: transform('${{ params.speed }}', { needs: ['go'] }),
      },
      { params: { speed: 1 } },
    );
    const { id } = await product.start(name);
    await eventually(
      async () => (await product.steps(id)).some(({ state }) => state === 'waiting') || undefined,
    );
    await product.call('POST', `/runs/${id}/tune`, { params: { speed: 0.5, learning_rate: 0.5 } });
    await eventually(async () => {
      const { body } = await product.call<{ items: { state: string }[] }>('GET', `/runs/${id}/commands`);
      return body.items.every(({ state }) => state === 'acknowledged') || undefined;
    });
    await product.call('POST', `/runs/${id}/events/go`, { hello: 1 });
    expect((await product.ended(id)).output).toEqual({ after: 0.5 });
    expect(only(await asked(`/workflows/${name}/back-test?to=${name}`))).toMatchObject({ verdict: 'same' });
    // When it was tuned is not compared with when a step had its turn.
    const other = await tried(
      name,
      {
        before: transform('${{ params.speed + 0 }}'),
        go: { ...wait, needs: ['before'] },
        after: transform('${{ params.speed }}', { needs: ['go'] }),
      },
      { params: { speed: 1 } },
    );
    expect(only(other)).toMatchObject({
      verdict: 'undecided',
      changes: [],
      unknown: [
        { node: 'before', reason: 'params_tuned' },
        { node: 'go', reason: 'depends_on_unknown' },
        { node: 'after', reason: 'depends_on_unknown' },
        { node: null, reason: 'depends_on_unknown' },
      ],
    });
  });

  it('are the same: child runs, and forks of runs', async () => {
    const child = await published({ a: transform('${{ input.n }}') });
    const nodes = {
      c: { type: 'run', config: { workflow: child, input: { n: '${{ input.n }}' } } },
      d: transform('${{ steps.c.output.output.a }}', { needs: ['c'] }),
    };
    const name = await published(nodes);
    const { id } = await run(name, { n: 4 });
    const forked = await product.call<RunBody>('POST', `/runs/${id}/fork`, { from_step: 'd' });
    expect(forked.status).toBe(202);
    await product.ended(forked.body.id);
    expect((await asked(`/workflows/${name}/back-test?to=${name}`)).summary).toMatchObject({
      runs: 2,
      same: 2,
    });
    expect((await asked(`/workflows/${child}/back-test?to=${child}`)).summary).toMatchObject({
      runs: 1,
      same: 1,
    });
  });
});

describe('a change is told', () => {
  const chain = (more: Nodes = {}): Nodes => ({
    score: transform('${{ input.n * 2 }}'),
    act: transform('${{ steps.score.output }}', { needs: ['score'], if: '${{ steps.score.output > 4 }}' }),
    ...more,
  });

  it('of a guard: which runs would take another branch', async () => {
    const name = await published(chain());
    for (const n of [1, 3, 5]) await run(name, { n });
    const { summary, nodes, runs } = await tried(
      name,
      chain({
        act: transform('${{ steps.score.output }}', {
          needs: ['score'],
          if: '${{ steps.score.output > 8 }}',
        }),
      }),
    );
    expect(summary).toEqual({ runs: 3, same: 2, different: 1, invalid: 0, undecided: 0 });
    expect(nodes).toEqual([{ node: 'act', runs: { now_skipped: 1 } }]);
    expect(runs.map(({ verdict }) => verdict)).toEqual(['same', 'different', 'same']);
    expect(runs[1]!.changes).toEqual([
      { node: 'act', kind: 'now_skipped', then: 'succeeded', now: 'skipped' },
    ]);
  });

  it('of the schema of the input: which runs would not begin', async () => {
    const name = await published(chain());
    for (const n of [1, 3]) await run(name, { n });
    const { summary, runs } = await tried(name, chain(), {
      input_schema: { type: 'object', properties: { n: { maximum: 2 } } },
    });
    expect(summary).toMatchObject({ invalid: 1, same: 1 });
    expect(runs[0]).toMatchObject({
      verdict: 'invalid',
      refused: [{ path: '/input/n' }],
      state: { now: null },
    });
    await run(name, { n: 1 }, { params: { limit: 5 } });
    const params = await tried(name, chain(), {
      params: { limit: 3 },
      params_schema: { type: 'object', properties: { limit: { maximum: 4 } } },
    });
    expect(params.runs[0]!.refused).toMatchObject([{ path: '/params/limit' }]);
    expect(params.summary).toMatchObject({ invalid: 1, same: 2 });
  });

  it('of an expression: which fails, where, and what no longer runs behind it', async () => {
    const name = await published(chain());
    await run(name, { n: 3, of: { a: 1 } });
    const { runs } = await tried(name, chain({ score: transform({ deep: ['${{ input.of.missing }}'] }) }));
    expect(runs[0]).toMatchObject({
      verdict: 'invalid',
      state: { then: 'completed', now: 'failed' },
      fails: [{ node: 'score', path: '/nodes/score/config/value/deep/0' }],
      changes: [
        { node: 'score', kind: 'other_state', now: 'failed' },
        { node: 'act', kind: 'now_skipped' },
      ],
    });
  });

  it('of a step that is gone under a new name, and of what is read under the old one', async () => {
    const name = await published(chain(), { output: '${{ steps.act.output }}' });
    await run(name, { n: 3 });
    const { runs } = await tried(
      name,
      {
        points: transform('${{ input.n * 2 }}'),
        act: transform('${{ default(steps.points.output, 0) }}', { needs: ['points'] }),
      },
      { output: '${{ steps.act.output + 1 }}' },
    );
    expect(runs[0]).toMatchObject({ verdict: 'different', same_output: false, unknown: [] });
    expect(runs[0]!.changes).toEqual([
      { node: 'points', kind: 'added', then: null, now: 'succeeded' },
      { node: 'score', kind: 'removed', then: 'succeeded', now: null },
    ]);
  });

  it('of the default of a param, unless the run was given another value', async () => {
    const nodes = { a: transform('${{ params.rate * input.n }}') };
    const name = await published(nodes, { params: { rate: 2 } });
    await run(name, { n: 3 });
    await run(name, { n: 3 }, { params: { rate: 5 } });
    const { runs } = await tried(name, nodes, { params: { rate: 4 } });
    expect(runs.map(({ verdict }) => verdict)).toEqual(['same', 'different']);
    expect(runs[1]!.changes).toMatchObject([
      { node: 'a', kind: 'other_output', output_then: 6, output_now: 12 },
    ]);
  });

  it('of what is done outside: not carried out, and said not to be known', async () => {
    const http = (path: string, more: JsonObject = {}): JsonObject => ({
      type: 'http',
      config: { url: `${server.url}${path}` },
      ...more,
    });
    const nodes = (path: string, retry = 1): Nodes => ({
      a: http(path, { retry: { max_attempts: retry } }),
      b: transform('${{ steps.a.output.status }}', { needs: ['a'] }),
      c: transform('${{ input.n }}'),
    });
    const name = await published(nodes('/first'));
    await run(name, { n: 1 });
    const asked_before = [...server.asked];
    expect(only(await tried(name, nodes('/second')))).toMatchObject({
      verdict: 'undecided',
      changes: [],
      unknown: [
        { node: 'a', reason: 'config_changed' },
        { node: 'b', reason: 'depends_on_unknown' },
        { node: null, reason: 'depends_on_unknown' },
      ],
    });
    // It would not have been tried again.
    expect(only(await tried(name, nodes('/first', 5)))).toMatchObject({ verdict: 'same' });
    expect([...server.asked]).toEqual(asked_before);
  });

  it('of what is undone, where a run would fail now', async () => {
    const undo = { compensate: transform('undone') };
    const nodes = (value: Json): Nodes => ({
      book: transform(1, undo),
      pay: transform(value, { needs: ['book'] }),
    });
    const name = await published(nodes(2));
    await run(name);
    expect(only(await tried(name, nodes('${{ input.missing }}')))).toMatchObject({
      verdict: 'invalid',
      state: { then: 'completed', now: 'failed' },
      changes: [{ node: 'pay' }, { node: 'book.compensate', kind: 'now_runs' }],
    });
  });

  it('with a value that was kept as a blob', async () => {
    const big = transform('${{ input.many }}');
    const name = await published({
      big,
      count: transform('${{ size(steps.big.output) }}', { needs: ['big'] }),
    });
    await run(name, { many: new Array(20_000).fill('x') as Json[] });
    const nodes = { big, count: transform('${{ size(steps.big.output) + 1 }}', { needs: ['big'] }) };
    expect(only(await tried(name, nodes))).toMatchObject({
      verdict: 'different',
      unknown: [],
      changes: [{ node: 'count', kind: 'other_output', output_then: 20_000, output_now: 20_001 }],
    });
  });
});

describe('a proposal', () => {
  interface Proposal extends Record<string, unknown> {
    status: string;
  }
  const proposed = async (workflow: string, instructions: string): Promise<string> => {
    const { body } = await product.call<{ proposal_id: string }>('POST', '/refinements', {
      workflow,
      instructions,
    });
    await eventually(async () => {
      const found = await product.call<Proposal>('GET', `/proposals/${body.proposal_id}`);
      return found.body.status === 'processing' ? undefined : true;
    });
    return body.proposal_id;
  };

  it('is tried on the runs of its workflow, and on as many as are asked for', async () => {
    const name = await published({
      fetch: transform(1),
      store: transform('${{ steps.fetch.output }}', { needs: ['fetch'] }),
    });
    for (let i = 0; i < 3; i++) await run(name);
    const id = await proposed(name, 'remove store');
    expect(await asked(`/proposals/${id}/back-test`)).toMatchObject({
      workflow: name,
      summary: { runs: 3, different: 3 },
      nodes: [{ node: 'store', runs: { removed: 3 } }],
    });
    expect((await asked(`/proposals/${id}/back-test?runs=2`)).summary).toMatchObject({
      runs: 2,
      different: 2,
    });
    const harmless = await proposed(name, 'retry fetch 5 times');
    expect((await asked(`/proposals/${harmless}/back-test`)).summary).toMatchObject({ runs: 3, same: 3 });
    // A run that ends later counts from then on.
    await run(name);
    expect((await asked(`/proposals/${harmless}/back-test`)).summary).toMatchObject({ runs: 4, same: 4 });
    // So does a draft that the proposal became.
    await product.call('POST', `/proposals/${id}/approve`);
    expect((await asked(`/workflows/${name}/back-test?to=${name}%2Fdraft`)).summary).toMatchObject({
      different: 4,
    });
  });

  it('is not there for somebody else, or without a result', async () => {
    const name = await published({ fetch: transform(1) });
    const id = await proposed(name, 'retry fetch 5 times');
    const other = await product.call<{ id: string }>('POST', '/projects', { name: `other ${randomUUID()}` });
    expect(other.status).toBe(201);
    const foreign = { 'x-project-id': other.body.id };
    const missing = `/proposals/${randomUUID()}/back-test`;
    for (const [path, headers] of [
      [`/proposals/${id}/back-test`, foreign],
      [`/workflows/${name}/back-test?to=${name}`, foreign],
      [missing, {}],
      [`/workflows/${name}/back-test?to=nowhere`, {}],
    ] as const)
      expect((await product.call('GET', path, undefined, headers)).status).toBe(404);
    for (const query of ['runs=0', 'runs=51', 'runs=x'])
      expect((await product.call('GET', `/proposals/${id}/back-test?${query}`)).status).toBe(422);
    await product.database.db.execute(
      `UPDATE proposal SET status = 'failed', patch = NULL, files = NULL, message = NULL, questions = NULL, understood = NULL,
         error = '{"code":"x","message":"y"}' WHERE id = '${id}'` as never,
    );
    expect(await product.call('GET', `/proposals/${id}/back-test`)).toMatchObject({
      status: 409,
      body: { code: 'state_conflict', proposal_status: 'failed' },
    });
  });
});
