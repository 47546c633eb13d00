import type { Definition } from '../contract/definition.ts';
import { compilePlan } from './plan.ts';

const definition: Definition = {
  schema_version: 1,
  name: 'invoice-check',
  params: { threshold: 0.8 },
  nodes: {
    report: {
      type: 'transform',
      needs: ['score'],
      if: '${{ always() && params.threshold > 0.5 }}',
      config: { value: { body: '${{ steps.fetch.output.body }}', at: '${{ run.id }}' } },
    },
    score: {
      type: 'code',
      needs: ['fetch'],
      if: '${{ steps.fetch.output.status == 200 }}',
      timeout_seconds: 30,
      continue_on_error: true,
      config: {
        language: 'bash',
        source: 'echo "${{ not.an.expression }}"',
        stdin: '${{ steps.fetch.output.body }}',
      },
    },
    fetch: {
      type: 'http',
      config: { url: '${{ input.url }}' },
      retry: { max_attempts: 5, non_retryable: ['http_404'] },
    },
    tidy: {
      type: 'wait',
      needs: ['score', 'report'],
      if: '${{ always() }}',
      config: { duration_seconds: 1 },
    },
  },
  output: '${{ steps.report.output }}',
};
const plan = compilePlan(definition, 'sha256:x');

test('the plan is plain JSON without sources of code or config of http', () => {
  expect(JSON.parse(JSON.stringify(plan))).toEqual(plan);
  expect(JSON.stringify(plan)).not.toContain('echo');
  expect(plan.nodes['fetch']).not.toHaveProperty('config');
});

test('order, needs and dependents', () => {
  expect(plan.order).toEqual(['fetch', 'score', 'report', 'tidy']);
  expect(plan.nodes['score']).toMatchObject({
    needs: ['fetch'],
    dependents: ['report', 'tidy'],
    timeout_seconds: 30,
  });
});

test('a node tells what its config reads, and a program text is no template', () => {
  expect(plan.nodes['score']?.roots).toEqual({
    input: false,
    params: false,
    run: false,
    item: false,
    steps: ['fetch'],
    secrets: [],
  });
  expect(plan.nodes['report']?.roots).toMatchObject({ run: true, steps: ['fetch'] });
  expect(plan.output_roots?.steps).toEqual(['report']);
});

test('guards: a condition, always() alone, and both', () => {
  expect(plan.nodes['score']).toMatchObject({ guard: 'steps.fetch.output.status == 200', always: false });
  expect(plan.nodes['report']).toMatchObject({ always: true, guard_roots: { params: true } });
  expect(plan.nodes['tidy']).not.toHaveProperty('guard');
  expect(plan.nodes['tidy']?.always).toBe(true);
});

test('retry defaults are filled in, and the definition is not changed', () => {
  const text = JSON.stringify(definition);
  const again = compilePlan(definition, 'sha256:x');
  expect(again).toEqual(plan);
  expect(JSON.stringify(definition)).toBe(text);
  expect(again.nodes['report']?.retry).toEqual({
    max_attempts: 1,
    initial_interval_ms: 1000,
    backoff: 2,
    max_interval_ms: 60000,
    non_retryable: [],
  });
  expect(again.nodes['fetch']?.retry).toMatchObject({
    max_attempts: 5,
    initial_interval_ms: 1000,
    non_retryable: ['http_404'],
  });
});
