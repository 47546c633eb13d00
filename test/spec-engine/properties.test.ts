import fc from 'fast-check';
import type { Json, JsonObject } from '../../src/contract/json.ts';
import { validateDefinition } from '../../src/domain/rules/definition.ts';
import { applyPatch } from '../../src/domain/rules/json-patch.ts';
import { canonicalJson } from '../../src/language/canonical-json.ts';
import { refineByRules } from '../../src/spec-engine/refine.ts';
import { WORKED } from './worked.ts';

const TOOLS = { validate: validateDefinition, applyPatch };
const refine = (definition: JsonObject, instructions: string) =>
  refineByRules({ thread_id: 't', instructions, context: { definition } }, TOOLS);
const changed = (definition: JsonObject, instructions: string) => {
  const { patch, questions } = refine(definition, instructions);
  return { after: applyPatch(definition, patch) as JsonObject, questions };
};
const nodesOf = (definition: JsonObject) => definition['nodes'] as Record<string, JsonObject>;
const withoutNeeds = ({ needs: _needs, ...node }: JsonObject) => canonicalJson(node);

/** A graph of steps, each of which may read those it needs, in all the ways a step is named. */
const READS = [
  (id: string) => `\${{ steps.${id}.output }}`,
  (id: string) => `a \${{ steps["${id}"].output }} b $\${{ steps.${id} }} \${{  steps . ${id} . state  }}`,
  (id: string) => `\${{ [1].map(x, steps['${id}'].output == "steps.${id}" ? x : 0) }}`,
  (id: string) => `\${{ {"k": steps.${id}.output, "}}": 1} }} ${id}`,
];
const definitions = fc
  .array(fc.record({ needs: fc.array(fc.nat(8), { maxLength: 3 }), read: fc.nat(READS.length) }), {
    minLength: 2,
    maxLength: 9,
  })
  .map((steps): JsonObject => {
    const nodes = steps.map(({ needs, read }, i): [string, Json] => {
      const before = [...new Set(needs.filter((need) => need < i))].map((need) => `s${need}`);
      const value = before.map((id) => READS[read]?.(id) ?? 0);
      return [
        `s${i}`,
        { type: 'transform', ...(before.length > 0 ? { needs: before } : {}), config: { value } },
      ];
    });
    return {
      schema_version: 1,
      name: 'any',
      nodes: Object.fromEntries(nodes),
      output: `\${{ steps.s0.output }}`,
    };
  });
const someStep = fc.nat(8);
const pick = (definition: JsonObject, n: number) => {
  const ids = Object.keys(nodesOf(definition));
  return ids[n % ids.length]!;
};

test('the definitions of these tests are valid', () => {
  fc.assert(
    fc.property(definitions, (definition) => void expect(validateDefinition(definition)).toEqual([])),
  );
});

test('a step that was renamed and renamed back is as it was, and in between nothing names the old one', () => {
  fc.assert(
    fc.property(definitions, someStep, (definition, n) => {
      const id = pick(definition, n);
      const there = changed(definition, `rename ${id} to other_name`);
      expect([there.questions, validateDefinition(there.after)]).toEqual([[], []]);
      expect(Object.keys(nodesOf(there.after))).not.toContain(id);
      expect(canonicalJson(changed(there.after, `rename other_name to ${id}`).after)).toBe(
        canonicalJson(definition),
      );
    }),
  );
});

test('a step that is put in and taken out again leaves the steps with what they needed', () => {
  const places = fc.constantFrom('after', 'before');
  fc.assert(
    fc.property(definitions, someStep, places, (definition, n, place) => {
      const id = pick(definition, n);
      const put = changed(definition, `add a step put_in ${place} ${id} that waits 5 minutes`);
      expect([put.questions, validateDefinition(put.after)]).toEqual([[], []]);
      const taken = changed(put.after, 'remove put_in');
      for (const [each, node] of Object.entries(nodesOf(definition))) {
        const now = nodesOf(taken.after)[each]!;
        expect(new Set((now['needs'] as string[] | undefined) ?? [])).toEqual(
          new Set((node['needs'] as string[] | undefined) ?? []),
        );
        expect(withoutNeeds(now)).toBe(withoutNeeds(node));
      }
    }),
  );
});

test('what is said of one step changes no other one', () => {
  const sayings = fc.constantFrom(
    'retry ID 3 times',
    'set timeout of ID to 9 seconds',
    'continue on error of ID',
    'always run ID',
    'set value of ID to 7',
  );
  fc.assert(
    fc.property(definitions, someStep, sayings, (definition, n, saying) => {
      const id = pick(definition, n);
      const { after, questions } = changed(definition, saying.replace('ID', id));
      expect([questions, validateDefinition(after)]).toEqual([[], []]);
      const rest = (all: JsonObject) => canonicalJson({ ...all, nodes: { ...nodesOf(all), [id]: null } });
      expect(rest(after)).toBe(rest(definition));
    }),
  );
});

test('whatever is said in whatever order, the result applies and validates, or there is none', () => {
  const said = fc.array(fc.constantFrom(...WORKED.map(({ say }) => say)), { minLength: 1, maxLength: 4 });
  const nodes = fc.constantFrom('fetch', 'score', 'review', 'audit');
  fc.assert(
    fc.property(definitions, said, nodes, (definition, clauses, name) => {
      const named = changed(definition, `rename s0 to ${name}`).after;
      const result = refine(named, clauses.join('; '));
      const after = applyPatch(named, result.patch);
      expect(validateDefinition(after)).toEqual([]);
      if (!result.understood) expect([result.patch, result.files]).toEqual([[], {}]);
    }),
  );
});

test('any text at all is answered, and no definition changes by one that says nothing', () => {
  const words = fc.array(
    fc.constantFrom(
      'add',
      'a',
      'step',
      'after',
      'and',
      'then',
      'remove',
      's0',
      'to',
      '"',
      '`',
      '```',
      '{',
      '}',
      '(',
      ';',
      '\n',
      ',',
      '${{',
      '/',
      'https://',
      "'",
      '.',
      'of type',
      'set',
      'retry',
      '3',
      'times',
    ),
    { maxLength: 40 },
  );
  fc.assert(
    fc.property(definitions, words, (definition, some) => {
      const result = refine(definition, some.join(' '));
      expect(validateDefinition(applyPatch(definition, result.patch))).toEqual([]);
    }),
  );
  for (const text of [
    'step step, '.repeat(1_400),
    'remove ' + 'step step, '.repeat(1_400) + '!',
    'and '.repeat(4_000),
    '('.repeat(16_000),
    'add a step x '.repeat(1_200),
    'rename a to '.repeat(1_300),
    ' after before'.repeat(1_200),
    '"'.repeat(16_000),
  ])
    expect(refine({ schema_version: 1, name: 'x', nodes: {} }, text.slice(0, 16_384)).patch).toEqual([]);
});
