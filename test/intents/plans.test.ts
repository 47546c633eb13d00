import type { Definition } from '../../src/contract/definition.ts';
import { AppError } from '../../src/contract/errors.ts';
import type { IntentAnalysis, IntentRequest } from '../../src/contract/intent.ts';
import type { Json, JsonObject } from '../../src/contract/json.ts';
import { analyseIntent } from '../../src/intents/analyse.ts';
import { planIntent } from '../../src/intents/plan.ts';
import { evaluateGuard, evaluateTemplate } from '../../src/language/expression.ts';
import { compileTemplate } from '../../src/language/template.ts';
import { wholeExpression } from '../../src/language/placeholders.ts';
import { CATALOGUE, shapeOf } from './shape.ts';

function asked(intent: string, more: Partial<IntentRequest> = {}) {
  const request = { intent, catalogue: CATALOGUE, ...more };
  const analysis = analyseIntent(request);
  return { request, analysis, plan: planIntent(request, analysis) };
}

function definitionOf(intent: string, more?: Partial<IntentRequest>): Definition {
  const { plan, analysis } = asked(intent, more);
  if (!('definition' in plan)) throw new Error(JSON.stringify(analysis.questions));
  return plan.definition;
}

const scope = (steps: JsonObject) => ({ input: {}, params: {}, steps, run: {}, now_ms: 0 });
const succeeded = (output: Json) => ({ state: 'succeeded', output, error: null });
const failed = { state: 'failed', output: null, error: { code: 'http_500' } };
const skipped = { state: 'skipped', output: null, error: null };

function isDone(definition: Definition, id: string, steps: JsonObject): boolean {
  const guard = definition.nodes[id]!.if;
  return guard === undefined || evaluateGuard(wholeExpression(guard)!, scope(steps));
}

describe('a condition', () => {
  const URL = 'https://a.example/health';
  const then = 'run the nightly report';

  test.each<[string, JsonObject, boolean]>([
    ['if the status is not 200', succeeded({ status: 204 }), true],
    ['if the status is not 200', succeeded({ status: 200 }), false],
    ['if the status is not 200', failed, true],
    ['if the status is 404', succeeded({ status: 404 }), true],
    ['if the status is 404', succeeded({ status: 200 }), false],
    ['if the status is 404', failed, false],
    ['if the status is at least 300', succeeded({ status: 301 }), true],
    ['if it fails', failed, true],
    ['if it fails', succeeded({ status: 200 }), false],
    ['unless it fails', succeeded({ status: 200 }), true],
  ])('“%s” after %j is %s', (condition, step, expected) => {
    const definition = definitionOf(`Fetch ${URL}; ${condition}, ${then}`);
    expect(isDone(definition, 'run_nightly_report', { fetch_health: step })).toBe(expected);
    expect(definition.nodes['run_nightly_report']!.needs).toEqual(['fetch_health']);
  });

  test('a step whose failure is asked about does not end the run by it', () => {
    expect(definitionOf(`Fetch ${URL}; if it fails, ${then}`).nodes['fetch_health']).toMatchObject({
      continue_on_error: true,
    });
    expect(definitionOf(`Fetch ${URL}, then ${then}`).nodes['fetch_health']).not.toHaveProperty(
      'continue_on_error',
    );
  });

  test('a status that would fail a request is expected where it is asked about', () => {
    const { config } = definitionOf(`Fetch ${URL}; if the status is 404, ${then}`).nodes['fetch_health']!;
    expect(config).toMatchObject({ expect_status: expect.arrayContaining([200, 404]) as Json });
  });

  test.each([
    [succeeded({ output: { success: false } }), true],
    [succeeded({ output: { success: true } }), false],
    [failed, true],
  ])('code that ends well with a result that says no has failed: %j', (step, expected) => {
    const definition = definitionOf(`Execute this: \`\`\`python\nx\n\`\`\`. If it fails, ${then}.`);
    expect(isDone(definition, 'run_nightly_report', { execute_python: step })).toBe(expected);
  });

  test('what is done otherwise is done exactly when the other is not, beside it', () => {
    const definition = definitionOf(`Fetch ${URL}. If the status is 200, ${then}. Otherwise run the refund.`);
    expect(shapeOf(definition)).toBe('http > run:nightly-report + run:refund');
    for (const step of [failed, succeeded({ status: 200 }), succeeded({ status: 201 })]) {
      const done = ['run_nightly_report', 'run_refund'].map((id) =>
        isDone(definition, id, { fetch_health: step }),
      );
      expect(done.filter(Boolean)).toHaveLength(1);
    }
  });

  test('what follows in another sentence is done though the guarded step was skipped, but not when it failed', () => {
    const definition = definitionOf(`Fetch ${URL}. If it fails, ${then}. Then wait a minute.`);
    expect(isDone(definition, 'wait', { run_nightly_report: skipped })).toBe(true);
    expect(isDone(definition, 'wait', { run_nightly_report: failed })).toBe(false);
  });

  test('what follows in the same sentence is skipped with it', () => {
    const definition = definitionOf(`Fetch ${URL}. If it fails, ${then}, then wait a minute.`);
    expect(definition.nodes['wait']).toEqual({
      type: 'wait',
      needs: ['run_nightly_report'],
      config: { duration_seconds: 60 },
    });
  });
});

describe('a result that is passed on', () => {
  const evaluated = (value: unknown, steps: JsonObject) =>
    evaluateTemplate(compileTemplate(value as Json), scope(steps));

  test('is the body of what was fetched', () => {
    const { nodes } = definitionOf('Fetch https://a.example/x, then POST the result to https://b.example/y');
    expect(
      evaluated(nodes['post_y']!.config, { fetch_x: succeeded({ status: 200, body: { n: 1 } }) }),
    ).toEqual({
      method: 'POST',
      url: 'https://b.example/y',
      body: { n: 1 },
    });
  });

  test('is an object of several', () => {
    const { nodes } = definitionOf(
      'Fetch https://a.example/x and https://a.example/y, then combine the results',
    );
    const steps = { fetch_x: succeeded({ body: 1 }), fetch_y: succeeded({ body: 2 }) };
    expect(evaluated(nodes['combine']!.config, steps)).toEqual({ value: { fetch_x: 1, fetch_y: 2 } });
  });

  test('is gone through one by one', () => {
    const { nodes } = definitionOf('Fetch https://a.example/list and for each of the results run the refund');
    expect(nodes['run_refund']).toMatchObject({
      type: 'map',
      config: { items: '${{ steps.fetch_list.output.body }}' },
    });
  });

  test('is text for a program', () => {
    const { nodes } = definitionOf(
      'Fetch https://a.example/x, then run this on the result: ```bash\ncat\n```',
    );
    const config = evaluated(nodes['execute_bash']!.config, { fetch_x: succeeded({ body: { n: 1 } }) }) as {
      input: JsonObject;
    };
    expect(config.input).toMatchObject({ language: 'bash', stdin: '{"n":1}' });
  });
});

test('the elements of a map stand where they belong', () => {
  expect(definitionOf('Refund each of the orders 1 and 2').nodes['run_refund']).toEqual({
    type: 'map',
    config: {
      items: [1, 2],
      node: { type: 'run', config: { workflow: 'refund', input: { order: '${{ item }}' } } },
    },
  });
});

test('how often it is done stands in the definition', () => {
  const definition = definitionOf('Every weekday at 7:30, run the nightly report');
  expect(definition.schedules).toEqual([{ cron: '30 7 * * 1-5', time_zone: 'UTC' }]);
});

test('retries and time limits stand on the node', () => {
  expect(
    definitionOf('GET https://a.example/x with a timeout of 5 seconds, retry up to 3 times').nodes['fetch_x'],
  ).toMatchObject({
    retry: { max_attempts: 3 },
    timeout_seconds: 5,
  });
});

describe('the context', () => {
  test('stands in for what the text leaves out', () => {
    const context = { repository: 'https://github.com/acme/shop', environment: 'qa' };
    expect(definitionOf('deploy it', { context }).nodes['deploy_qa']).toMatchObject({
      config: {
        type: 'deployment',
        input: { kind: 'application', repository: 'https://github.com/acme/shop', environment: 'qa' },
      },
    });
  });

  test('gives way to the text', () => {
    const { analysis } = asked('Deploy https://github.com/acme/shop to staging', {
      context: { environment: 'production' },
    });
    expect(analysis.entities['environment']).toBe('staging');
  });

  test('above its limit is refused', () => {
    expect(() => asked('deploy it', { context: { x: 'x'.repeat(70_000) } })).toThrow(AppError);
  });
});

describe('what is not to be had', () => {
  test.each([
    ['a type', 'Analyse https://github.com/acme/shop', { ...CATALOGUE, types: [] }],
    ['a node type', 'Ask Anna to approve', { ...CATALOGUE, node_types: ['http' as const] }],
    ['a map', 'Refund each of the orders 1 and 2', { ...CATALOGUE, node_types: ['run' as const] }],
    ['a workflow', 'Refund order 4711', { ...CATALOGUE, workflows: [] }],
  ])('is asked about: %s', (_name, intent, catalogue) => {
    expect(asked(intent, { catalogue }).analysis.questions).toContainEqual(
      expect.objectContaining({ about: 'what' }),
    );
  });
});

test('an order of several environments is asked for, not guessed', () => {
  const { analysis } = asked('Deploy https://github.com/acme/shop to staging and production');
  expect(analysis.questions).toEqual([expect.objectContaining({ about: 'where' })]);
});

test.each([
  'Fetch https://a.example/x and don’t deploy https://github.com/acme/shop to staging',
  'Never run the nightly report',
  'Do not fetch https://a.example/x',
  'Run the nightly report instead of the import',
  'Run the nightly report ten times',
  'Fetch https://a.example/x twice a day',
])('what cannot be planned as it was meant is asked about: %s', (intent) => {
  expect(asked(intent).analysis.needs_clarification).toBe(true);
});

test('a secret is warned of, and is no entity', () => {
  const { analysis } = asked('POST to https://api.example.com/login with the password hunter2');
  expect(analysis.risks).toEqual([expect.objectContaining({ kind: 'secrets', step: 'post_login' })]);
  expect(JSON.stringify(analysis.entities)).not.toContain('hunter2');
});

test('nothing to do is a question, and so is a text of nothing', () => {
  for (const intent of ['', ' \n', 'thanks!', '```']) {
    expect(asked(intent).analysis).toMatchObject({ kind: 'unknown', needs_clarification: true, steps: [] });
  }
});

describe('an analysis of somebody else', () => {
  const good = asked('Wait a minute, then run the nightly report').analysis;

  test.each<[string, (analysis: IntentAnalysis) => void]>([
    ['needs a step that is not there', ({ steps }) => (steps[1]!.needs = ['nobody'])],
    ['needs a step that comes later', ({ steps }) => (steps[0]!.needs = ['run_nightly_report'])],
    ['takes the result of a step that is not there', ({ steps }) => (steps[1]!.uses = ['nobody'])],
    [
      'looks at a step that is not there',
      ({ steps }) => (steps[1]!.when = { step: 'nobody', test: 'failed', negated: false }),
    ],
    ['has a step twice', ({ steps }) => (steps[1]!.id = 'wait')],
    ['has an id that is code', ({ steps }) => (steps[0]!.id = 'a || true')],
    ['has an id that objects have anyway', ({ steps }) => (steps[0]!.id = 'constructor')],
  ])('is refused when it %s', (_name, spoil) => {
    const analysis = structuredClone(good);
    spoil(analysis);
    expect(() => planIntent({ intent: 'x', catalogue: CATALOGUE }, analysis)).toThrow(
      'does not hold together',
    );
  });
});
