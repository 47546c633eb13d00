import fc from 'fast-check';
import type { Json, JsonObject } from '../../../src/contract/json.ts';
import type { StepBody } from '../../support/api-client.ts';
import { editedWaitingNodes, lightDefinition, lightInput } from '../../support/light-definitions.ts';
import { startProduct, type Product } from '../../support/product.ts';

interface Tried {
  verdict: string;
  state: { now: string | null };
  same_output: boolean | null;
  changes: { node: string; kind: string; now: string | null; output_now?: Json }[];
  unknown: { node: string | null }[];
}

let product: Product;
let made = 0;

beforeAll(async () => {
  product = await startProduct();
});
afterAll(() => product?.stop());

async function carriedOut(nodes: Record<string, JsonObject>, input: JsonObject) {
  const name = `foreseen${++made}`;
  await product.publish(name, lightDefinition(name, nodes));
  const run = await product.ended((await product.start(name, input)).id);
  const steps = (await product.steps(run.id)).filter(({ item }) => item === -1 || item === null);
  return { name, run, steps: new Map(steps.map((step) => [step.node, step])) };
}

/** How long it was waited for is told by what comes of a wait, and of all behind it. */
function measuresTime(nodes: Record<string, JsonObject>, id: string): boolean {
  const { type, needs = [] } = nodes[id] as { type: string; needs?: string[] };
  return type === 'wait' || needs.some((need) => measuresTime(nodes, need));
}

/** A new step that would be skipped is not worth a word. */
const ended = (step: StepBody | undefined) => ({
  state: step?.state ?? 'skipped',
  output: step?.output ?? null,
});

/** The waits that a failure elsewhere has ended: whether one is over before is a race. */
const cutShort = (steps: ReadonlyMap<string, StepBody>) =>
  [...steps.values()]
    .flatMap(({ node, state }) => (state === 'cancelled' ? [node] : []))
    .sort()
    .join();

test('what is foreseen is what happens when the version really runs', async () => {
  const counts = { decided: 0, changes: 0 };
  await fc.assert(
    fc.asyncProperty(editedWaitingNodes, lightInput, async ([before, after], input) => {
      const then = await carriedOut(before, input);
      const now = await carriedOut(after, input);
      const { status, body } = await product.call<{ runs: Tried[] }>(
        'GET',
        `/workflows/${then.name}/back-test?to=${now.name}`,
      );
      expect([status, body.runs.length]).toEqual([200, 1]);
      const foreseen = body.runs[0]!;
      const unknown = new Set(foreseen.unknown.map(({ node }) => node));
      if (foreseen.verdict !== 'undecided') counts.decided++;
      counts.changes += foreseen.changes.length;

      // What nothing is known of is taken not to fail the run.
      const has_surprise = [...unknown].some((id) => {
        const step = id === null ? undefined : now.steps.get(id);
        return step?.state === 'failed' && !after[id!]?.continue_on_error;
      });
      if (has_surprise || cutShort(then.steps) !== cutShort(now.steps)) return;
      for (const id of Object.keys(after)) {
        if (unknown.has(id)) continue;
        const change = foreseen.changes.find(({ node }) => node === id);
        const actual = ended(now.steps.get(id));
        expect([id, actual.state]).toEqual([id, change ? change.now : ended(then.steps.get(id)).state]);
        if (measuresTime(after, id)) continue;
        if (!change) expect([id, actual]).toEqual([id, ended(then.steps.get(id))]);
        if (change && 'output_now' in change) expect([id, actual.output]).toEqual([id, change.output_now]);
        if (change?.kind === 'other_output') expect(actual.output).not.toEqual(then.steps.get(id)?.output);
      }
      if (foreseen.state.now !== null) expect(foreseen.state.now).toBe(now.run.state);
      const is_timed = Object.keys(after).some(
        (id) => measuresTime(after, id) || (id in before && measuresTime(before, id)),
      );
      if (foreseen.same_output !== null && !is_timed && foreseen.state.now !== null)
        expect(foreseen.same_output).toBe(JSON.stringify(now.run.output) === JSON.stringify(then.run.output));
    }),
    { numRuns: 30 },
  );
  // Most can be told; otherwise nothing was shown by this.
  expect(counts.decided).toBeGreaterThan(10);
  expect(counts.changes).toBeGreaterThan(5);
});
