import fc from 'fast-check';
import type { JsonObject } from '../../contract/json.ts';
import { overrideProblems, tuneProblems } from './tune.ts';

const at = '/params';
const problems = (changes: JsonObject, schema?: JsonObject, current: JsonObject = {}) =>
  tuneProblems({ schema, current, changes, at });
const paths = (changes: JsonObject, schema?: JsonObject) => problems(changes, schema).map(({ path }) => path);

describe('without a params_schema the training profile bounds', () => {
  test.each([
    ['learning_rate', [Number.MIN_VALUE, 0.001, 1], [0, -0.1, 1.0001, '0.1', true]],
    ['entropy_coef', [0, 0.05, 0.1], [-0.0001, 0.1001, '0']],
    ['clip_epsilon', [0.05, 0.2, 0.3], [0.0499, 0.3001, false]],
    ['anything_else', [0, -7, 'text', '', true, false, 1e9], [null, [1], { a: 1 }]],
  ])('%s', (name, good, bad) => {
    for (const value of good) expect(problems({ [name]: value })).toEqual([]);
    for (const value of bad) expect(paths({ [name]: value })).toEqual([`/params/${name}`]);
  });

  test('every problem is named at once, with a pointer that escapes its name', () => {
    expect(paths({ learning_rate: 2, 'a/b~c': [], fine: 1, clip_epsilon: 0 })).toEqual([
      '/params/learning_rate',
      '/params/a~1b~0c',
      '/params/clip_epsilon',
    ]);
  });

  test('a learning rate is good exactly within (0, 1]', () => {
    fc.assert(
      fc.property(fc.double({ min: -2, max: 2, noNaN: true }), (rate) => {
        expect(problems({ learning_rate: rate }).length === 0).toBe(rate > 0 && rate <= 1);
      }),
    );
  });
});

test.each([undefined, {}])(
  'all params together are no larger than 32 KiB, whatever the schema (%p)',
  (schema) => {
    const current = { text: 'x'.repeat(32 * 1024 - '{"text":"","n":1}'.length) };
    expect(problems({ n: 1 }, schema, current)).toEqual([]);
    expect(problems({ n: 10 }, schema, current)).toEqual([
      { path: '/params', message: 'makes the params larger than 32 KiB' },
    ]);
  },
);

describe('with a params_schema', () => {
  const schema = {
    type: 'object',
    properties: { learning_rate: { type: 'number', maximum: 10 }, model: { type: 'object' } },
    required: ['learning_rate'],
    additionalProperties: false,
  };

  test('only it bounds, and it sees the whole', () => {
    expect(problems({ model: { deep: [1] } }, schema, { learning_rate: 7 })).toEqual([]);
    expect(problems({ learning_rate: 9 }, schema)).toEqual([]);
    expect(paths({ learning_rate: 11, other: 1 }, schema).sort()).toEqual([
      '/params/learning_rate',
      '/params/other',
    ]);
  });
});

test('a tune sets at least one parameter; overrides need not', () => {
  expect(problems({})).toEqual([{ path: '/params', message: 'must set at least one parameter' }]);
  expect(overrideProblems({ schema: undefined, current: {}, changes: {}, at })).toEqual([]);
});
