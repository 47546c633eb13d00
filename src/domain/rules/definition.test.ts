import { countEdges, countNodes, validateDefinition } from './definition.ts';

type Members = Record<string, unknown>;

const transform = (more: Members = {}): Members => ({ type: 'transform', config: { value: 1 }, ...more });
const base = (more: Members = {}): Members => ({
  schema_version: 1,
  name: 'demo',
  nodes: { a: transform() },
  ...more,
});
const withNode = (node: unknown): Members => base({ nodes: { a: transform(), n: node } });
const withConfig = (type: string, config: unknown): Members => withNode({ type, needs: ['a'], config });
const problems = (document: unknown): string[] =>
  validateDefinition(document).map((p) => `${p.path}: ${p.message}`);

const example: Members = {
  schema_version: 1,
  name: 'invoice-check',
  description: 'Checks an invoice.',
  input_schema: { type: 'object', required: ['url'], properties: { url: { type: 'string', format: 'uri' } } },
  params: { threshold: 0.8 },
  params_schema: { type: 'object', properties: { threshold: { type: 'number', minimum: 0, maximum: 1 } } },
  nodes: {
    fetch: { type: 'http', config: { method: 'GET', url: '${{ input.url }}' }, retry: { max_attempts: 5 } },
    score: {
      type: 'code',
      needs: ['fetch'],
      timeout_seconds: 30,
      config: { language: 'python', source: 'print(1)', stdin: '${{ steps.fetch.output.body }}' },
    },
    pause: {
      type: 'wait',
      needs: ['score'],
      if: '${{ always() }}',
      config: { duration_seconds: '${{ params.threshold }}' },
    },
  },
  output: '${{ steps.score.output.result }}',
  files: { 'spec/plan.md': 'sha256:…' },
  schedules: [
    { cron: '0 6 * * 1', time_zone: 'Europe/Berlin', input: {}, overlap: 'skip', catch_up_seconds: 60 },
  ],
  triggers: [{ name: 'push', secret_ref: 'hook' }],
  concurrency: { key: '${{ input.url }}', limit: 1, on_limit: 'queue' },
  rate_limit: { per_second: 5 },
};

test('the example of the contract is valid, and nothing is filled in', () => {
  const text = JSON.stringify(example);
  expect(validateDefinition(example)).toEqual([]);
  expect(JSON.stringify(example)).toBe(text);
  expect([countNodes(example as never), countEdges(example as never)]).toEqual([3, 2]);
});

test('an empty definition is valid', () => {
  expect(problems({ schema_version: 1, name: 'x', nodes: {} })).toEqual([]);
});

test('every problem is named at once, with an escaped pointer', () => {
  const document = base({
    schema_version: 2,
    'x/y~z': 1,
    nodes: {
      'a-b': transform(),
      b: transform({ needs: ['c'], timeout_seconds: 0 }),
      c: transform({ needs: ['b', 'q'] }),
    },
    output: '${{ 1 + }}',
  });
  expect(problems(document)).toEqual([
    '/schema_version: must be 1',
    '/x~1y~0z: is not a known field',
    '/nodes/c/needs/1: there is no node "q"',
    '/nodes/b/needs: needs form a cycle: b → c → b',
    '/nodes/a-b: a node id has letters, digits and _ (no digit first), at most 64',
    '/nodes/b/timeout_seconds: must be greater than 0',
    '/output: bad expression: Unexpected token: EOF (at character 4)',
  ]);
});

test.each<[string, unknown, string]>([
  ['null', null, ': must be an object'],
  ['an array', [], ': must be an object'],
  ['no name', { schema_version: 1, nodes: {} }, '/name: is required'],
  ['a blank name', base({ name: ' ' }), '/name: must have a visible character and no control characters'],
  ['nodes as an array', base({ nodes: [] }), '/nodes: must be an object'],
  ['a node that is no object', base({ nodes: { a: 1 } }), '/nodes/a: must be an object'],
  [
    'U+0000',
    base({ description: 'a\u0000' }),
    '/description: has a character that cannot be stored (U+0000 or a lone surrogate)',
  ],
  [
    'U+0000 in a key',
    base({ params: { 'a\u0000': 1 } }),
    '/params/a\u0000: has a character that cannot be stored (U+0000 or a lone surrogate)',
  ],
  [
    'an unknown type',
    withConfig('shell', {}),
    '/nodes/n/type: must be one of code, http, transform, wait, approval, map, run, agent',
  ],
  [
    'a map in a map',
    withNode({
      type: 'map',
      config: { items: [], node: { type: 'map', config: { items: [], node: transform() } } },
    }),
    '/nodes/n/config/node/type: a map cannot be the body of another one',
  ],
  [
    'a map that undoes',
    withNode(transform({ compensate: { type: 'map', config: { items: [], node: transform() } } })),
    '/nodes/n/compensate/type: a map cannot undo a step',
  ],
  [
    'an unknown field of a node',
    withNode(transform({ retries: 1 })),
    '/nodes/n/retries: is not a known field',
  ],
  ['no config', withNode({ type: 'transform' }), '/nodes/n/config: is required'],
  [
    'an unknown member of a config',
    withConfig('transform', { value: 1, x: 1 }),
    '/nodes/n/config/x: is not a known field',
  ],
  [
    'a language',
    withConfig('code', { language: 'cobol', source: '' }),
    '/nodes/n/config/language: must be one of javascript, typescript, python, bash, go',
  ],
  [
    'source and file',
    withConfig('code', { language: 'bash', source: '', file: 'x' }),
    '/nodes/n/config: must have exactly one of source, file',
  ],
  [
    'a file that is not there',
    withConfig('code', { language: 'bash', file: 'x' }),
    '/nodes/n/config/file: is not one of `files`',
  ],
  [
    'an environment name',
    withConfig('code', { language: 'bash', source: '', env: { '1x': '' } }),
    '/nodes/n/config/env/1x: is no name of an environment variable',
  ],
  [
    'a limit',
    withConfig('code', { language: 'bash', source: '', limits: { wall_ms: 0 } }),
    '/nodes/n/config/limits/wall_ms: must be at least 1',
  ],
  [
    'a method',
    withConfig('http', { url: 'https://x', method: 'GOT' }),
    '/nodes/n/config/method: must be one of GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS',
  ],
  [
    'a URL',
    withConfig('http', { url: 'file:///etc/passwd' }),
    '/nodes/n/config/url: must be an http or https URL',
  ],
  [
    'a status',
    withConfig('http', { url: 'https://x', expect_status: [200, 700] }),
    '/nodes/n/config/expect_status/1: must be at most 599',
  ],
  [
    'two waits',
    withConfig('wait', { duration_seconds: 1, until: '2026-01-01T00:00:00Z' }),
    '/nodes/n/config: must have exactly one of duration_seconds, until, event',
  ],
  [
    'a date',
    withConfig('wait', { until: 'tomorrow' }),
    '/nodes/n/config/until: must be an RFC 3339 date and time',
  ],
  [
    'attempts',
    withNode(transform({ retry: { max_attempts: 0 } })),
    '/nodes/n/retry/max_attempts: must be at least 1',
  ],
  ['a self-need', withNode(transform({ needs: ['n'] })), '/nodes/n/needs: needs form a cycle: n → n'],
  ['a need twice', withNode(transform({ needs: ['a', 'a'] })), '/nodes/n/needs/1: names "a" twice'],
  [
    'a guard that is text',
    withNode(transform({ if: 'input.x' })),
    '/nodes/n/if: must be one expression: ${{ … }}',
  ],
  [
    'a step that is no ancestor',
    withNode({ type: 'transform', config: { value: '${{ steps.a.output }}' } }),
    '/nodes/n/config/value: step "a" is not an ancestor of "n": add it to `needs`',
  ],
  [
    'a step that is not there',
    withConfig('transform', { value: '${{ steps.q }}' }),
    '/nodes/n/config/value: there is no step "q"',
  ],
  [
    'all steps',
    withConfig('transform', { value: ['${{ steps }}'] }),
    '/nodes/n/config/value/0: `steps` must be followed by the name of a step',
  ],
  [
    'item outside a map',
    withConfig('transform', { value: '${{ item }}' }),
    '/nodes/n/config/value: `item` is only there inside a `map`',
  ],
  [
    'secrets in a transform',
    withConfig('transform', { value: '${{ secrets.k }}' }),
    '/nodes/n/config/value: `secrets` may only be read in the config of http and code nodes',
  ],
  [
    'secrets in a guard',
    base({ nodes: { n: { type: 'http', if: '${{ secrets.k == "" }}', config: { url: 'https://x' } } } }),
    '/nodes/n/if: `secrets` may only be read in the config of http and code nodes',
  ],
  [
    'secrets in the output',
    base({ output: { x: '${{ secrets.k }}' } }),
    '/output/x: `secrets` may only be read in the config of http and code nodes',
  ],
  [
    'all secrets',
    withConfig('http', { url: 'https://x', headers: { a: '${{ string(secrets) }}' } }),
    '/nodes/n/config/headers/a: `secrets` must be followed by a name',
  ],
  [
    'secrets on a command line',
    withConfig('code', { language: 'bash', source: 'x', args: ['${{ secrets.k }}'] }),
    '/nodes/n/config/args/0: `secrets` may not be read in `args`, which others on the machine can see: use `env` or `stdin`',
  ],
  [
    'always() in a config',
    withConfig('transform', { value: '${{ always() }}' }),
    '/nodes/n/config/value: always() may only be called in `if`',
  ],
  [
    'an unknown step in the output',
    base({ output: { x: '${{ steps.q.output }}' } }),
    '/output/x: there is no step "q"',
  ],
  [
    'a bad schema',
    base({ input_schema: { type: 'strin' } }),
    '/input_schema/type: must be equal to one of the allowed values',
  ],
  [
    'params against their schema',
    base({ params: { t: 2 }, params_schema: { properties: { t: { maximum: 1 } } } }),
    '/params/t: must be <= 1',
  ],
  [
    'missing params',
    base({ params_schema: { required: ['t'] } }),
    "/params/t: must have required property 't'",
  ],
  ['a cron', base({ schedules: [{ cron: 'often' }] }), '/schedules/0/cron: must be a cron expression'],
  [
    'a time zone',
    base({ schedules: [{ cron: '* * * * *', time_zone: 'Mars/Base' }] }),
    '/schedules/0/time_zone: must be an IANA time zone',
  ],
  ['a trigger twice', base({ triggers: [{ name: 'x' }, { name: 'x' }] }), '/triggers/1/name: is used twice'],
  ['a limit of runs', base({ concurrency: { limit: 0 } }), '/concurrency/limit: must be at least 1'],
  [
    'a key over steps',
    base({ concurrency: { limit: 1, key: '${{ steps.a.output }}' } }),
    '/concurrency/key: may only read `input` and `params`',
  ],
])('%s is a problem', (_, document, problem) => {
  expect(problems(document)).toContain(problem);
});

test.each(['__proto__', 'constructor', 'toString', 'a.b', '1a', '', 'x'.repeat(65)])(
  '%j is no node id',
  (id) => {
    const nodes = JSON.parse(`{${JSON.stringify(id)}:{"type":"transform","config":{"value":1}}}`) as Members;
    expect(problems(base({ nodes })).length).toBeGreaterThan(0);
  },
);

test.each<[string, Members]>([
  ['wait', { event: 'paid', timeout_seconds: 5, on_timeout: 'continue' }],
  [
    'approval',
    {
      prompt: 'Accept ${{ steps.a.output }}?',
      form: { type: 'object', description: '${{ is no expression here }}' },
      roles: ['lead'],
      quorum: 2,
      timeout_seconds: 60,
      on_timeout: 'reject',
      forbid_self: true,
    },
  ],
  [
    'map',
    {
      items: '${{ input.xs }}',
      node: { type: 'transform', config: { value: '${{ item.x + steps.a.output }}' } },
      max_parallel: 4,
    },
  ],
  ['run', { workflow: 'other', input: { x: '${{ steps.a.output }}' } }],
  ['agent', { capability: 'review', task: { text: '${{ steps.a.output }}' } }],
])('the config of %s is checked', (type, config) => {
  expect(problems(withConfig(type, config))).toEqual([]);
  expect(problems(withConfig(type, { ...config, odd: 1 }))).toContain(
    '/nodes/n/config/odd: is not a known field',
  );
});
