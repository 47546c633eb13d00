import type { Definition, DefinitionNode } from '../../contract/definition.ts';
import { validateDefinition } from './definition.ts';
import { tolerant } from './tolerant-plan.ts';

const value = (more: object = {}): DefinitionNode => ({ type: 'transform', config: { value: 1 }, ...more });
const plan: Definition = {
  schema_version: 1,
  name: 'plan',
  nodes: {
    first: value(),
    second: value({ needs: ['first'] }),
    when_failed: value({ needs: ['first'], if: '${{ steps.first.state == "failed" }}' }),
    joined: value({ needs: ['first', 'second'], if: '${{ always() && steps.second.state != "failed" }}' }),
  },
};

test('what fails takes with it only what needs it, unless a guard looks at how it went', () => {
  const { nodes } = tolerant(plan);
  expect(Object.fromEntries(Object.entries(nodes).map(([id, node]) => [id, node.if]))).toEqual({
    first: undefined,
    second: "${{ steps.first.state == 'succeeded' }}",
    when_failed: '${{ (steps.first.state == "failed") }}',
    joined: '${{ (always() && steps.second.state != "failed") && steps.first.state == \'succeeded\' }}',
  });
  expect(Object.values(nodes).every((node) => node.continue_on_error)).toBe(true);
});

test('a tolerant plan is valid, and making it tolerant changes no more than guards', () => {
  const made = tolerant(plan);
  expect(validateDefinition(made)).toEqual([]);
  expect(made.nodes['second']).toMatchObject({ type: 'transform', needs: ['first'], config: { value: 1 } });
});
