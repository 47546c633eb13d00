import { AMPLE, bash, definition, fourLightSteps, transform, wait } from '../support/definitions.ts';
import type { BuiltinType } from '../../src/contract/builtins.ts';
import type { JsonObject } from '../../src/contract/json.ts';
import type { Product } from '../support/product.ts';

/** One way a run may go: what it runs, and what is done to it on the way. */
export interface Scenario {
  /** Left out for a built-in type. */
  definition?: JsonObject;
  type?: BuiltinType;
  /** Other workflows it needs, by name. */
  others?: Record<string, JsonObject>;
  /** What has to be there before it starts. */
  before?: (product: Product) => Promise<unknown>;
  input?: unknown;
  /** The input names the planted repository as well. */
  in_repository?: boolean;
  /** What else its start says. */
  start?: JsonObject;
  act?: (product: Product, id: string) => Promise<unknown>;
  /** Recorded is what forks the run like this. */
  fork?: JsonObject;
  /** The state it ends in. */
  ends: string;
}

const paused = (product: Product, id: string) => product.until(id, (run) => run.state === 'paused');
const begun = async (product: Product, id: string) => {
  while ((await product.steps(id)).length === 0) await new Promise((resolve) => setTimeout(resolve, 25));
};

const atWork = async (product: Product, id: string, node: string) => {
  while (!(await product.steps(id)).some((step) => step.node === node && step.state === 'running'))
    await new Promise((resolve) => setTimeout(resolve, 25));
};

const waiting = async (product: Product, id: string, node: string) => {
  while (!(await product.steps(id)).some((step) => step.node === node && step.state === 'waiting'))
    await new Promise((resolve) => setTimeout(resolve, 25));
};

const long: Record<string, JsonObject> = { big: transform('y'.repeat(20_000)) };
for (let n = 0; n < 18; n++) long[`w${n}`] = wait(0.02, { needs: [n === 0 ? 'big' : `w${n - 1}`] });
long.last = transform('${{ size(steps.big.output) }}', { needs: ['w17'] });

/** Every outcome of the interpreter. A change of workflow code must keep the histories of all of them replaying. */
export const SCENARIOS: Readonly<Record<string, Scenario>> = {
  complete: { definition: fourLightSteps('complete'), input: { n: 1 }, ends: 'completed' },
  skip_and_guard: {
    definition: definition('skip_and_guard', {
      no: transform(1, { if: '${{ input.n > 1 }}' }),
      behind: transform(2, { needs: ['no'] }),
      anyway: transform('${{ steps.no.state }}', { needs: ['no'], if: '${{ always() }}' }),
    }),
    input: { n: 0 },
    ends: 'completed',
  },
  code: {
    definition: definition('code', {
      a: bash('echo 1'),
      b: bash('echo 2'),
      c: transform('${{ steps.a.output.result + steps.b.output.result }}', { needs: ['a', 'b'] }),
    }),
    ends: 'completed',
  },
  code_execution: {
    type: 'code_execution',
    input: { language: 'bash', source: 'echo 1' },
    ends: 'completed',
  },
  code_execution_cancelled: {
    type: 'code_execution',
    input: { language: 'bash', source: 'sleep 30', limits: AMPLE },
    act: async (product, id) => {
      await atWork(product, id, 'ExecuteCode');
      await product.call('POST', `/runs/${id}/cancel`);
    },
    ends: 'cancelled',
  },
  always_after_failure: {
    definition: definition('always_after_failure', {
      bad: bash('exit 1'),
      swept: bash('echo swept', { needs: ['bad'], if: '${{ always() }}' }),
    }),
    ends: 'failed',
  },
  retry_then_fail: {
    definition: definition('retry_then_fail', {
      flaky: bash('exit 3', { retry: { max_attempts: 3, initial_interval_ms: 20, backoff: 1 } }),
      other: wait(30),
    }),
    ends: 'failed',
  },
  timeout: {
    definition: definition('timeout', { slow: bash('sleep 30', { timeout_seconds: 1 }) }),
    ends: 'failed',
  },
  pause_resume: {
    definition: definition('pause_resume', { w: wait(20), t: transform(1, { needs: ['w'] }) }),
    async act(product, id) {
      await begun(product, id);
      await product.call('POST', `/runs/${id}/pause`);
      await paused(product, id);
      await product.call('POST', `/runs/${id}/resume`);
    },
    ends: 'completed',
  },
  cancel: {
    definition: definition('cancel', { slow: bash('sleep 30'), w: wait(60) }),
    act: async (product, id) => {
      await atWork(product, id, 'slow');
      await product.call('POST', `/runs/${id}/cancel`);
    },
    ends: 'cancelled',
  },
  terminate: {
    definition: definition('terminate', { slow: bash('sleep 30') }),
    act: async (product, id) => {
      await begun(product, id);
      await product.call('POST', `/runs/${id}/terminate`, { reason: 'recorded' });
    },
    ends: 'terminated',
  },
  stored_values: {
    definition: definition('stored_values', {
      twice: transform('${{ input.list + input.list }}'),
      size: transform('${{ size(steps.twice.output) }}', {
        needs: ['twice'],
        if: '${{ size(steps.twice.output) > 1 }}',
      }),
    }),
    input: { list: Array.from({ length: 9_000 }, (_, n) => n) },
    ends: 'completed',
  },
  continue_as_new: { definition: definition('continue_as_new', long), ends: 'completed' },
  event: {
    definition: definition('event', {
      first: wait(0.5),
      kept: { type: 'wait', needs: ['first'], config: { event: 'tick' } },
      awaited: { type: 'wait', config: { event: 'go', timeout_seconds: 60 } },
      late: { type: 'wait', config: { event: 'never', timeout_seconds: 1, on_timeout: 'continue' } },
      t: transform('${{ steps.kept.output.payload }}', { needs: ['kept', 'awaited', 'late'] }),
    }),
    act: async (product, id) => {
      await waiting(product, id, 'awaited');
      await product.call('POST', `/runs/${id}/events/tick`, 1);
      await product.call('POST', `/runs/${id}/events/go`, { n: 2 });
    },
    ends: 'completed',
  },
  approval: {
    definition: definition('approval', {
      yes: { type: 'approval', config: { prompt: 'Go on?' } },
      nobody: { type: 'approval', config: { prompt: 'And?', timeout_seconds: 1, on_timeout: 'approve' } },
      no: { type: 'approval', needs: ['yes', 'nobody'], config: { prompt: 'Really?' } },
    }),
    act: async (product, id) => {
      await waiting(product, id, 'yes');
      await product.call('POST', `/runs/${id}/approvals/yes`, { decision: 'approve' });
      await waiting(product, id, 'no');
      await product.call('POST', `/runs/${id}/approvals/no`, { decision: 'reject' });
    },
    ends: 'failed',
  },
  map: {
    definition: definition('map', {
      light: { type: 'map', config: { items: '${{ input.list }}', node: transform('${{ item * 2 }}') } },
      heavy: {
        type: 'map',
        needs: ['light'],
        config: {
          items: '${{ steps.light.output }}',
          node: bash('test $1 != 4', {
            config: { language: 'bash', source: 'test $1 != 4', args: ['${{ item }}'] },
          }),
          max_parallel: 2,
          on_item_error: 'continue',
        },
      },
      large: { type: 'map', config: { items: '${{ input.large }}', node: transform('${{ item.n }}') } },
    }),
    input: { list: [1, 2, 3], large: Array.from({ length: 20 }, (_, n) => ({ n, text: 'x'.repeat(2_000) })) },
    ends: 'completed',
  },
  map_times_out: {
    definition: definition('map_times_out', {
      each: {
        type: 'map',
        timeout_seconds: 1,
        config: { items: [1, 2, 3], node: wait(60), max_parallel: 2 },
      },
    }),
    ends: 'failed',
  },
  children: {
    others: {
      child: definition('child', { w: wait(2), t: transform('${{ input.n }}', { needs: ['w'] }) }),
    },
    definition: definition('children', {
      each: {
        type: 'map',
        config: {
          items: [1, 2],
          node: { type: 'run', config: { workflow: 'child', input: { n: '${{ item }}' } } },
        },
      },
      late: { type: 'run', timeout_seconds: 1, continue_on_error: true, config: { workflow: 'child' } },
    }),
    async act(product, id) {
      while ((await product.steps(id)).filter(({ state }) => state === 'running').length < 4)
        await new Promise((resolve) => setTimeout(resolve, 25));
      await product.call('POST', `/runs/${id}/pause`);
      await paused(product, id);
      await product.call('POST', `/runs/${id}/resume`);
    },
    ends: 'completed',
  },
  children_cancelled: {
    others: { child: definition('child', { w: wait(60) }) },
    definition: definition('children_cancelled', { go: { type: 'run', config: { workflow: 'child' } } }),
    async act(product, id) {
      while (!(await product.steps(id)).some(({ state }) => state === 'running'))
        await new Promise((resolve) => setTimeout(resolve, 25));
      await product.call('POST', `/runs/${id}/cancel`);
    },
    ends: 'cancelled',
  },
  compensate: {
    definition: definition('compensate', {
      a: transform(1, { compensate: bash('echo undone') }),
      b: transform(2, {
        needs: ['a'],
        compensate: bash('exit 1', { retry: { max_attempts: 2, initial_interval_ms: 20 } }),
      }),
      c: bash('exit 1', { needs: ['b'] }),
    }),
    ends: 'failed',
  },
  compensate_cancelled: {
    definition: definition('compensate_cancelled', {
      a: transform(1, { compensate: wait(0.1) }),
      w: wait(60, { needs: ['a'] }),
    }),
    async act(product, id) {
      await waiting(product, id, 'w');
      await product.call('POST', `/runs/${id}/cancel`);
    },
    ends: 'cancelled',
  },
  agent: {
    definition: definition('agent', {
      ask: {
        type: 'agent',
        retry: { max_attempts: 2, initial_interval_ms: 20 },
        config: { capability: 'record', task: 1 },
      },
      late: {
        type: 'agent',
        continue_on_error: true,
        config: { capability: 'nobody', task: 2, timeout_seconds: 1 },
      },
    }),
    async act(product, id) {
      await waiting(product, id, 'ask');
      for (const result of [{ error: { code: 'no', message: 'Not yet.' } }, { output: 'done' }]) {
        const asked = { capabilities: ['record'], wait: 20 };
        const { body } = await product.call<{ id: string; lease_token: string }>(
          'POST',
          '/agent-tasks/next',
          asked,
        );
        await product.call('POST', `/agent-tasks/${body.id}/complete`, {
          lease_token: body.lease_token,
          ...result,
        });
      }
    },
    ends: 'completed',
  },
  tune: {
    definition: definition(
      'tune',
      {
        go: { type: 'wait', config: { event: 'go' } },
        t: transform('${{ params.n }}', { needs: ['go'] }),
        flaky: bash('exit 1', { needs: ['go'], continue_on_error: true }),
      },
      { params: { n: 1 } },
    ),
    async act(product, id) {
      await waiting(product, id, 'go');
      const nodes = { flaky: { retry: { max_attempts: 2, initial_interval_ms: 20 } } };
      await product.call('POST', `/runs/${id}/tune`, { params: { n: 2 }, nodes });
      await product.call('POST', `/runs/${id}/events/go`);
    },
    ends: 'completed',
  },
  pause_in_flight: {
    definition: definition('pause_in_flight', { slow: bash('sleep 5'), w: wait(5) }),
    async act(product, id) {
      await begun(product, id);
      await product.call('POST', `/runs/${id}/pause`);
      await paused(product, id);
      await product.call('POST', `/runs/${id}/resume`);
    },
    ends: 'completed',
  },
  pause_overtaken: {
    definition: definition('pause_overtaken', { slow: bash('sleep 5'), w: wait(5) }),
    async act(product, id) {
      await begun(product, id);
      await product.call('POST', `/runs/${id}/pause`);
      await product.call('POST', `/runs/${id}/resume`);
    },
    ends: 'completed',
  },
  deadline: {
    definition: definition('deadline', { w: wait(60) }),
    start: { timeout_seconds: 1 },
    ends: 'errored',
  },
  forked: {
    definition: definition('forked', {
      a: transform('${{ input.n }}'),
      b: transform('${{ steps.a.output }}', { needs: ['a'] }),
    }),
    input: { n: 1 },
    fork: { from_step: 'b' },
    ends: 'completed',
  },
};
