import { readFile } from 'node:fs/promises';
import { INSTRUCTIONS } from '../../src/spec-engine/instructions.ts';
import { refineByRules } from '../../src/spec-engine/refine.ts';
import { validateDefinition } from '../../src/domain/rules/definition.ts';
import { applyPatch } from '../../src/domain/rules/json-patch.ts';

const page = await readFile(new URL('../../docs/spec-engine.md', import.meta.url), 'utf8');
const says = INSTRUCTIONS.flatMap(({ how }) => how);

test('the page has exactly the instructions that the code names', () => {
  const rows = [...page.matchAll(/^\| `([^`]+)` \|$/gm)].map(([, say]) => say);
  expect(rows).toEqual(says);
});

/** With all that the examples speak of. */
const definition = {
  schema_version: 1,
  name: 'example',
  params: { threshold: 1 },
  rate_limit: { per_second: 1 },
  nodes: {
    fetch: { type: 'http', config: { url: 'https://example.com' }, timeout_seconds: 9 },
    score: { type: 'transform', needs: ['fetch'], config: { value: 1 } },
    review: {
      type: 'approval',
      needs: ['score'],
      if: '${{ input.a }}',
      config: { prompt: 'Ok?', roles: ['owner'] },
    },
    deploy: { type: 'wait', needs: ['fetch', 'review'], config: { duration_seconds: 1 } },
    notify: { type: 'wait', config: { duration_seconds: 1 } },
  },
};

test.each(says)('“%s” is understood', (instructions) => {
  const nodes: Record<string, unknown> = { ...definition.nodes };
  if (/^add a step notify/.test(instructions)) delete nodes['notify'];
  const context = { definition: { ...definition, nodes } as never, files: { 'spec/plan.md': 'x' } };
  const result = refineByRules(
    { thread_id: 't', instructions, context },
    { validate: validateDefinition, applyPatch },
  );
  expect([result.questions, result.understood]).toEqual([[], true]);
});
