import { bash, definition, fourLightSteps, transform, wait } from '../support/definitions.ts';
import type { JsonObject } from '../../src/contract/json.ts';
import type { Product } from '../support/product.ts';

/** One way a run may go: what it runs, and what is done to it on the way. */
export interface Scenario {
  definition: JsonObject;
  input?: unknown;
  act?: (product: Product, id: string) => Promise<unknown>;
  /** The state it ends in. */
  ends: string;
}

const paused = (product: Product, id: string) => product.until(id, (run) => run.state === 'paused');
const running = (product: Product, id: string) => product.until(id, (run) => run.state === 'running');
const begun = async (product: Product, id: string) => {
  while ((await product.steps(id)).length === 0) await new Promise((resolve) => setTimeout(resolve, 25));
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
    definition: definition('pause_resume', { w: wait(1), t: transform(1, { needs: ['w'] }) }),
    async act(product, id) {
      await begun(product, id);
      await product.call('POST', `/runs/${id}/pause`);
      await paused(product, id);
      await product.call('POST', `/runs/${id}/resume`);
      await running(product, id);
    },
    ends: 'completed',
  },
  cancel: {
    definition: definition('cancel', { slow: bash('sleep 30'), w: wait(60) }),
    act: async (product, id) => {
      await begun(product, id);
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
};
