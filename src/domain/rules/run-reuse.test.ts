import type { Definition, DefinitionNode } from '../../contract/definition.ts';
import { compilePlan } from '../../language/plan.ts';
import { resumePoint, reusableSteps, type EarlierStep } from './run-reuse.ts';

const node = (needs: string[] = [], more: Partial<DefinitionNode> = {}): DefinitionNode =>
  ({ type: 'transform', config: { value: 1 }, needs, ...more }) as DefinitionNode;

const planOf = (nodes: Definition['nodes']) =>
  compilePlan({ schema_version: 1, name: 'x', nodes }, 'sha256:x');
const step = (node: string, state: EarlierStep['state'], item = -1): EarlierStep => ({ node, state, item });

// a → b → d, a → c → d, e alone.
const diamond = planOf({ a: node(), b: node(['a']), c: node(['a']), d: node(['b', 'c']), e: node() });

test('what ended well stays, and what failed is done again with all that follows', () => {
  const earlier = [
    step('a', 'succeeded'),
    step('b', 'failed'),
    step('c', 'succeeded'),
    step('d', 'skipped'),
    step('e', 'succeeded'),
  ];
  expect(reusableSteps(diamond, earlier, [])).toEqual(
    ['a', 'e', 'c'].sort((x, y) => diamond.order.indexOf(x) - diamond.order.indexOf(y)),
  );
  expect(resumePoint(diamond, earlier)).toBe('b');
  expect(resumePoint(diamond, earlier, 'b')).toBe('b');
});

test('a step named to begin from is done again although it had succeeded', () => {
  const earlier = ['a', 'b', 'c', 'd', 'e'].map((id) => step(id, 'succeeded'));
  expect(new Set(reusableSteps(diamond, earlier, ['c']))).toEqual(new Set(['a', 'b', 'e']));
});

test('a guard that said no is not asked again, nor is what ran after it', () => {
  const plan = planOf({
    a: node([], { if: '${{ input.x }}' }),
    b: node(['a'], { if: '${{ always() }}' }),
    c: node(['b']),
  });
  const earlier = [step('a', 'skipped'), step('b', 'succeeded'), step('c', 'failed')];
  expect(reusableSteps(plan, earlier, [])).toEqual(['a', 'b']);
});

test('a tolerated failure stays one; a step that was undone is done again', () => {
  const plan = planOf({ a: node([], { continue_on_error: true }), b: node(['a']), c: node() });
  expect(reusableSteps(plan, [step('a', 'failed'), step('b', 'succeeded')], [])).toEqual(['a', 'b']);
  const undone = [
    step('a', 'succeeded'),
    step('a.compensate', 'succeeded'),
    step('b', 'succeeded'),
    step('c', 'succeeded'),
  ];
  expect(reusableSteps(plan, undone, [])).toEqual(['c']);
});

test('items of a map say nothing about the map, and steps another version does not have are left out', () => {
  const plan = planOf({ m: node(), new: node(['m']) });
  const earlier = [step('m', 'succeeded', 0), step('m', 'succeeded', 1), step('gone', 'succeeded')];
  expect(reusableSteps(plan, earlier, [])).toEqual([]);
  expect(reusableSteps(plan, [...earlier, step('m', 'succeeded')], [])).toEqual(['m']);
});
