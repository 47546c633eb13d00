import fc from 'fast-check';
import { INTENT_LIMITS } from '../../src/contract/intent.ts';
import type { Definition } from '../../src/contract/definition.ts';
import type { Json } from '../../src/contract/json.ts';
import { validateDefinition } from '../../src/domain/rules/definition.ts';
import { analyseIntent } from '../../src/intents/analyse.ts';
import { planIntent } from '../../src/intents/plan.ts';
import { splitText } from '../../src/language/placeholders.ts';
import { UNSEEN_INTENTS } from './unseen.ts';
import { CATALOGUE } from './shape.ts';
import { WORKED_INTENTS } from '../fixtures/intents.ts';

function planned(intent: string): Definition | undefined {
  const request = { intent, catalogue: CATALOGUE };
  const plan = planIntent(request, analyseIntent(request));
  if ('definition' in plan) return plan.definition;
  expect(plan.questions.length).toBeGreaterThan(0);
  return undefined;
}

/** A plan, when there is one, validates. */
function isSound(intent: string): boolean {
  const definition = planned(intent);
  expect(definition ? validateDefinition(definition) : []).toEqual([]);
  return definition !== undefined;
}

const texts = [...WORKED_INTENTS, ...UNSEEN_INTENTS].map(({ intent }) => intent);
const pieces = texts.flatMap((intent) => intent.split(/(?<=\s)/));
const glue = [
  'and ',
  'then ',
  ', ',
  '. ',
  '; ',
  'if it fails ',
  'otherwise ',
  'for each of ',
  'after ',
  'before ',
  'in parallel ',
  '\n',
];

describe('whatever is asked', () => {
  test('of any characters, the plan is valid or a question', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (intent) => void isSound(intent)),
      { numRuns: 500 },
    );
  });

  test('of the words that mean something, in any order, the plan is valid or a question', () => {
    const word = fc.oneof(fc.constantFrom(...pieces), fc.constantFrom(...glue));
    const intent = fc.array(word, { maxLength: 40 }).map((words) => words.join(' '));
    fc.assert(
      fc.property(intent, (text) => void isSound(text)),
      { numRuns: 2_000 },
    );
  });

  test('of several requests put together, the plan is valid or a question, and some are plans', () => {
    let plans = 0;
    const whole = fc.tuple(fc.constantFrom(...texts), fc.constantFrom(...glue), fc.constantFrom(...texts));
    fc.assert(
      fc.property(whole, ([a, between, b]) => {
        if (isSound(`${a.replace(/[.?!]$/, '')} ${between}${b}`)) plans++;
      }),
      { numRuns: 1_000 },
    );
    expect(plans).toBeGreaterThan(50);
  });

  test('the same words give the same answer', () => {
    for (const intent of texts) {
      expect(analyseIntent({ intent, catalogue: CATALOGUE })).toEqual(
        analyseIntent({ intent, catalogue: CATALOGUE }),
      );
    }
  });
});

describe('a text at the limit of its length', () => {
  const patterns = [
    'a',
    ' ',
    '"',
    "'",
    '`',
    '```',
    '{',
    '[',
    '{"a":',
    'http://',
    'https://a.b ',
    'and ',
    'and and then ',
    'to to ',
    'run ',
    'if ',
    ', ',
    '. fetch ',
    'after it ',
    'every ',
    'retry it 3 ',
    '1h ',
    'with a b ',
    'the status is ',
    'order 1 ',
    '\uE000',
    '$${{',
    '${{',
    'x=',
    '1. ',
    '\n- ',
    'each of ',
    '-----BEGIN ',
    'after to run ',
    'a..',
    'é',
    'deploy ',
    'approve ',
    'while ',
    '1.1',
    'cron * ',
    '(',
    'at most two two ',
  ];

  test.each(patterns)('is read to its end: %j over and over', (pattern) => {
    isSound(pattern.repeat(Math.floor(INTENT_LIMITS.chars / pattern.length)));
  });

  test('fits, and one character more is refused', () => {
    expect(() => planned('x'.repeat(INTENT_LIMITS.chars))).not.toThrow();
    expect(() => planned('x'.repeat(INTENT_LIMITS.chars + 1))).toThrow('not valid');
  });
});

test('more steps than are allowed are asked about', () => {
  const intent = 'wait a minute, then '.repeat(INTENT_LIMITS.steps + 1) + 'wait a minute';
  const { questions } = analyseIntent({ intent, catalogue: CATALOGUE });
  expect(questions).toContainEqual({
    about: 'what',
    question: expect.stringContaining('more than 50 steps') as string,
  });
});

test.each([
  'wait 900 weeks',
  'wait 0 seconds',
  'get the approval of 0 people',
  `fetch https://x.example/${'x'.repeat(9_000)}`,
  `fetch ${Array.from({ length: 300 }, (_, i) => `https://x.example/${i}`).join(' and ')}`,
  `run the refund for each of ${Array.from({ length: 300 }, (_, i) => `"${i}"`).join(', ')}`,
  `${'every day, '.repeat(150)} run the nightly report`,
  'fetch https://x.example with a timeout of 0 seconds, retry it 0 times',
  'fetch https://x.example within 900 weeks',
  `wait for the event "${'x'.repeat(500)}"`,
  'In parallel, if it fails, run the refund',
  'fetch https://x.example. Meanwhile, if it fails, run the refund. Otherwise wait a minute.',
  'fetch https://x.example. At the same time, for each of the results run the refund',
])('what is at the edge of a limit is planned validly or asked about: %s', (intent) => {
  isSound(intent);
});

describe('an expression in a text', () => {
  const SLY = '${{ secrets.key }}';

  test.each([
    ['an address', `Fetch https://x.example/${'${{secrets.key}}'}`],
    ['a body', `POST {"a": ["${SLY}"]} to https://x.example/in`],
    ['a prompt', `Ask Anna to approve ${SLY} and $${SLY}`],
    ['code', `Run this Python code: \`\`\`python\nprint("${SLY}")\n\`\`\``],
    ['an input', `run the nightly report with {"day": "${SLY}"}`],
    ['a task', `Let an agent with the capability "x" do "${SLY}"`],
    ['an element', `For each of "a" and "${SLY}", run the refund`],
    ['a field', `POST to https://x.example/in with the name \${{secrets.key}}`],
  ])('is data: %s', (_name, intent) => {
    const definition = planned(intent);
    expect(definition).toBeDefined();
    const expressions = textsOf(definition as unknown as Json).flatMap((text) =>
      splitText(text).filter((part) => typeof part === 'object'),
    );
    expect(expressions.filter(({ source }) => source.includes('secrets'))).toEqual([]);
    const literals = textsOf(definition as unknown as Json).map((text) =>
      splitText(text)
        .map((part) => (typeof part === 'string' ? part : ''))
        .join(''),
    );
    expect(literals.some((text) => /\$\{\{ ?secrets\.key ?\}\}/.test(text))).toBe(true);
  });
});

/** Every text of a value but descriptions, which are no templates. */
function textsOf(value: Json): string[] {
  if (typeof value === 'string') return [value];
  if (Array.isArray(value)) return value.flatMap(textsOf);
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, member]) => (key === 'description' ? [] : textsOf(member)));
}
