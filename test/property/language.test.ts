import fc from 'fast-check';

import type { Json } from '../../src/contract/json.ts';
import { validateDefinition } from '../../src/domain/rules/definition.ts';
import { compileSchema } from '../../src/domain/rules/json-schema.ts';
import { canonicalJson } from '../../src/language/canonical-json.ts';
import { ExpressionError } from '../../src/language/expression-error.ts';
import { evaluateExpression, evaluateTemplate } from '../../src/language/expression.ts';
import { compilePlan } from '../../src/language/plan.ts';
import { compileTemplate } from '../../src/language/template.ts';

const json = fc.jsonValue({ maxDepth: 4 }) as fc.Arbitrary<Json>;
const scopeOf = (input: Json) => ({ input, params: {}, steps: {}, run: {}, now_ms: 0 });

test('any JSON passes through an expression unchanged', () => {
  fc.assert(fc.property(json, (value) => expect(evaluateExpression('input', scopeOf(value))).toEqual(value)));
});

test('any JSON survives json() and parse_json()', () => {
  fc.assert(
    fc.property(json, (value) => {
      const back = evaluateExpression('parse_json(json(input))', scopeOf(value));
      expect(canonicalJson(back)).toBe(canonicalJson(value));
      expect(evaluateExpression('input == parse_json(json(input))', scopeOf(value))).toBe(true);
    }),
  );
});

test('JSON without ${{ is a template of itself', () => {
  fc.assert(
    fc.property(json, (value) =>
      expect(evaluateTemplate(compileTemplate(value), scopeOf(null))).toEqual(value),
    ),
  );
});

test('arithmetic of numbers agrees with JavaScript where CEL has the same rule', () => {
  fc.assert(
    fc.property(
      fc.integer(),
      fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e15, max: 1e15 }),
      (n, f) => {
        fc.pre(!Number.isInteger(f));
        const { input } = scopeOf([n, f]);
        expect(evaluateExpression('input[0] + input[1]', scopeOf(input))).toBe(n + f);
        expect(evaluateExpression('input[1] * input[0]', scopeOf(input))).toBeCloseTo(f * n);
        expect(evaluateExpression('input[0] < input[1]', scopeOf(input))).toBe(n < f);
      },
    ),
  );
});

/** Pieces of CEL, well and badly put together. */
const fragment = fc.constantFrom(
  'input', 'steps.a', '.x', '[0]', '+', '-', '*', '/', '(', ')', '[', ']', '{', '}', ',', ':', '?', '1', '1.5', '"s"', "'", '==',
  'in', '&&', '||', '!', '.map(x, ', 'x', 'default(', 'size(', 'null', 'true', 'b"', 'now()', '.matches(', '\\', '${{', '}}',
); // prettier-ignore

test('whatever the source, there is a value or an ExpressionError', () => {
  fc.assert(
    fc.property(fc.array(fragment, { maxLength: 12 }), json, (pieces, value) => {
      const source = pieces.join(' ');
      try {
        canonicalJson(evaluateExpression(source, scopeOf(value)));
      } catch (error) {
        expect(error).toBeInstanceOf(ExpressionError);
        expect((error as Error).message).not.toBe('the expression could not be evaluated');
      }
    }),
    { numRuns: 3_000 },
  );
});

const id = fc.constantFrom('a', 'b', 'c', 'd');
const node = fc.record({
  type: fc.constant('transform'),
  needs: fc.uniqueArray(id, { maxLength: 3 }),
  config: fc.record({
    value: fc.oneof(
      json,
      id.map((step) => `\${{ steps.${step}.output }}`),
    ),
  }),
});
const definition = fc.record({
  schema_version: fc.constant(1),
  name: fc.constant('x'),
  nodes: fc.dictionary(id, node, { maxKeys: 4 }),
});

test('a definition without problems has a plan in which each node comes after what it needs and reads', () => {
  fc.assert(
    fc.property(definition, (document) => {
      if (validateDefinition(document).length > 0) return;
      const plan = compilePlan(document, 'sha256:x');
      expect([...plan.order].sort()).toEqual(Object.keys(document.nodes).sort());
      for (const [at, name] of plan.order.entries()) {
        const before = plan.order.slice(0, at);
        const { needs = [], roots } = plan.nodes[name] ?? {};
        for (const step of [...needs, ...(roots?.steps ?? [])]) expect(before).toContain(step);
      }
    }),
    { numRuns: 500 },
  );
});

test('validation never throws and never changes what it is given', () => {
  const members = fc.constantFrom(
    'schema_version',
    'name',
    'nodes',
    'params',
    'params_schema',
    'input_schema',
    'files',
    'output',
    'schedules',
    'triggers',
    'concurrency',
    'x',
  );
  fc.assert(
    fc.property(fc.dictionary(members, json), (document) => {
      const text = JSON.stringify(document);
      for (const problem of validateDefinition(document)) expect(problem.path).toMatch(/^(\/[^]*)?$/);
      expect(JSON.stringify(document)).toBe(text);
      compileSchema(document['x'])(document);
    }),
  );
});
