import type { Json, JsonObject } from '../../src/contract/json.ts';
import type { PatchOperation } from '../../src/contract/spec-engine.ts';
import { validateDefinition } from '../../src/domain/rules/definition.ts';
import { applyPatch } from '../../src/domain/rules/json-patch.ts';
import { refineByRules } from '../../src/spec-engine/refine.ts';
import { DEFINITION, FILES, WORKED, type Worked } from './worked.ts';

const TOOLS = { validate: validateDefinition, applyPatch };

function refine(instructions: string, definition = DEFINITION) {
  const context = { definition, files: FILES, workflows: [{ name: 'nightly-report' }] };
  return refineByRules({ thread_id: 't', instructions, context }, TOOLS);
}

const withoutTests = (patch: readonly PatchOperation[]) => patch.filter(({ op }) => op !== 'test');
const asOperation = (each: NonNullable<Worked['patch']>[number]) =>
  Array.isArray(each)
    ? { op: each[0], path: each[1], ...(each[0] === 'remove' ? {} : { value: each[2] }) }
    : each;

test('there are at least 60 worked instructions, and at least 20 that are not followed', () => {
  expect(WORKED.length).toBeGreaterThanOrEqual(60);
  expect(WORKED.filter(({ asks }) => asks).length).toBeGreaterThanOrEqual(20);
});

test.each(WORKED.filter(({ asks }) => !asks))('“$say” is followed', ({ say, patch = [], files = {} }) => {
  const result = refine(say);
  expect([result.questions, result.understood]).toEqual([[], true]);
  expect(withoutTests(result.patch)).toEqual(patch.map(asOperation));
  expect(result.files).toEqual(files);
  const changed = applyPatch(DEFINITION, result.patch);
  expect(validateDefinition(changed)).toEqual([]);
});

test.each(WORKED.filter(({ asks }) => asks))('“$say” changes nothing and says why', ({ say, asks }) => {
  const result = refine(say);
  expect(result).toMatchObject({ patch: [], files: {}, understood: false });
  expect(result.questions.join('\n')).toMatch(asks!);
  expect(result.message).toContain('Nothing was changed');
});

test.each(WORKED)('“$say” answers the same twice, and leaves its input as it was', ({ say }) => {
  const before = JSON.stringify(DEFINITION);
  expect(refine(say)).toEqual(refine(say));
  expect(JSON.stringify(DEFINITION)).toBe(before);
});

test('every clause that is not understood is named, and what is understood is listed', () => {
  const { questions, message } = refine('dance; retry fetch 2 times; sing');
  expect(questions).toEqual(['“dance” is not understood.', '“sing” is not understood.']);
  expect(message).toContain('The rest was understood: “fetch” is tried at most 2 times.');
  expect(message).toContain('“remove score”');
});

test('a patch fails on a definition that is another one by now', () => {
  const { patch } = refine('set param threshold to 0.9');
  expect(() => applyPatch({ ...DEFINITION, params: { threshold: 0.7 } }, patch)).toThrow(
    expect.objectContaining({ code: 'patch_conflict' }) as Error,
  );
});

test('a change of the last steps says that it changes the output of a workflow that has none of its own', () => {
  const { output: _output, ...bare } = DEFINITION;
  expect(refine('rename audit to check', bare).message).toContain('that is now of “review”, “check”');
  expect(refine('rename audit to check').message).not.toContain('output');
});

test('the patch may mend a definition that is not valid, and does not make do with less', () => {
  const broken = {
    ...DEFINITION,
    nodes: { ...(DEFINITION['nodes'] as JsonObject), odd: { type: 'teapot', config: {} } },
  };
  expect(refine('remove odd', broken).patch).toContainEqual({ op: 'remove', path: '/nodes/odd' });
  expect(refine('retry score 2 times', broken)).toMatchObject({ patch: [], understood: false });
});

test('only the types that are to be had are used', () => {
  const context = { definition: DEFINITION, node_types: ['http' as const] };
  const result = refineByRules(
    { thread_id: 't', instructions: 'pause for approval before score', context },
    TOOLS,
  );
  expect(result.understood).toBe(false);
  const waits = {
    thread_id: 't',
    instructions: 'add a step x of type wait after score for 5 minutes',
    context,
  };
  expect(refineByRules(waits, TOOLS).questions[0]).toMatch(/cannot be of type “wait”|not clear/);
});

test.each<[string, Json]>([
  ['no nodes', {}],
  ['nodes that are a list', { nodes: [1, 2] }],
  ['nodes that are no objects', { nodes: { a: 1, b: null, c: [] } }],
  ['needs that are no list', { nodes: { a: { needs: 'b' }, b: { needs: [1, null] } } }],
  [
    'a text in which nothing closes',
    { nodes: { a: { type: 'http', config: { url: '${{ steps.b' } }, b: {} } },
  ],
])('a definition with %s is no reason to fall over', (_name, definition) => {
  for (const { say } of WORKED) expect(refine(say, definition as JsonObject).understood).toBe(false);
  expect(refine('rename a to z', definition as JsonObject).understood).toBe(false);
});
