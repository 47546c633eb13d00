import fc from 'fast-check';
import {
  editedNodes,
  lightDefinition,
  lightInput,
  lightNodes,
} from '../../../test/support/light-definitions.ts';
import type { Definition } from '../../contract/definition.ts';
import type { Json, JsonObject } from '../../contract/json.ts';
import { validateDefinition } from '../rules/definition.ts';
import { versionOf } from './load.ts';
import type { RecordedRun, RecordedStep, Version } from './recorded.ts';
import { backTestRun } from './report.ts';
import { walkRun } from './walk.ts';

const version = (nodes: Record<string, JsonObject>): Version => {
  const document = lightDefinition('x', nodes);
  expect(validateDefinition(document)).toEqual([]);
  return versionOf(document as unknown as Definition, 'sha256:x');
};
const NOTHING = versionOf({ schema_version: 1, name: 'x', nodes: {} }, 'sha256:0');
const about = { blobs: new Map<string, Json>(), isOutOfTime: () => false };

/** A run with nothing on record. */
const begun = (input: JsonObject): RecordedRun => ({
  facts: { id: '1', workflow: 'x', project_id: 'p', created_at: '2026-01-01T00:00:00Z' },
  state: 'completed',
  error: null,
  input: { value: input },
  output: { value: null },
  params: [{ step: 2 }],
  tuned_nodes: [],
  created_at_ms: 0,
  steps: {},
});

/** What is only values can be told to its end: as if it had run. */
function carriedOut(now: Version, input: JsonObject): RecordedRun {
  const walk = walkRun({ then: NOTHING, now, run: begun(input), ...about });
  const { said } = backTestRun({ then: NOTHING, now, run: begun(input), ...about });
  const steps = [...walk.told].map(([id, told]): [string, RecordedStep] => {
    if (told.kind !== 'worked_out') throw new Error(`nothing is known of ${id}: ${JSON.stringify(told)}`);
    const { state, output, error } = told;
    const times = { started_at_ms: 0, ended_at_ms: 0 };
    return [id, { state, output: { value: output }, error, cause: null, attempt: 1, ...times }];
  });
  return { ...begun(input), state: said.state.now ?? 'failed', steps: Object.fromEntries(steps) };
}

/** Nothing can be said for sure where a map and a failure beside it race. */
const isDecided = (now: Version, input: JsonObject) => {
  const { told } = walkRun({ then: NOTHING, now, run: begun(input), ...about });
  return [...told.values()].every(({ kind }) => kind !== 'unknown');
};

test('a run tried on its own version is the same', () => {
  fc.assert(
    fc.property(lightNodes, lightInput, (nodes, input) => {
      const own = version(nodes);
      fc.pre(isDecided(own, input));
      const run = carriedOut(own, input);
      const { said } = backTestRun({ then: own, now: own, run, ...about });
      expect(said).toMatchObject({ fails: [], changes: [], unknown: [], refused: [] });
      expect(walkRun({ then: own, now: own, run, ...about }).told.size).toBe(Object.keys(nodes).length);
    }),
    { numRuns: 300 },
  );
});

test('what a changed version does is told as if it had run, whatever is on record', () => {
  const counts = { known: 0, unknown: 0 };
  fc.assert(
    fc.property(editedNodes, lightInput, ([before, after], input) => {
      const [then, now] = [version(before), version(after)];
      fc.pre(isDecided(then, input) && isDecided(now, input));
      const expected = carriedOut(now, input);
      const run = carriedOut(then, input);
      const walk = walkRun({ then, now, run, ...about });
      for (const [id, told] of walk.told) {
        counts[told.kind === 'unknown' ? 'unknown' : 'known']++;
        if (told.kind === 'unknown') continue;
        const { state, output, error } = told.kind === 'recorded' ? run.steps[id]! : told;
        const value = told.kind === 'recorded' ? run.steps[id]!.output : { value: output };
        expect([id, state, value, error]).toEqual([
          id,
          expected.steps[id]!.state,
          expected.steps[id]!.output,
          expected.steps[id]!.error,
        ]);
      }
    }),
    { numRuns: 500 },
  );
  expect(counts.unknown).toBeLessThan(counts.known / 4);
});
