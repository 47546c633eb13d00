import { readCondition } from './conditions.ts';
import { durationIn } from './durations.ts';
import { readEach, takeInlineEach } from './lists.ts';
import { takeModifiers } from './modifiers.ts';
import { numbersNamed } from './numbers.ts';
import { takeSchedule } from './schedules.ts';
import { maskSpans } from './spans.ts';

describe('a length of time', () => {
  test.each([
    ['10 minutes', 600],
    ['an hour', 3_600],
    ['half an hour', 1_800],
    ['an hour and a half', 5_400],
    ['1h30m', 5_400],
    ['2 days and 3 hours', 183_600],
    ['250 ms', 0.25],
    ['1.5 s', 1.5],
    ['ninety seconds', 90],
    ['two weeks', 1_209_600],
  ])('%s is %d seconds', (text, seconds) => expect(durationIn(text)).toBe(seconds));

  test.each(['a bit', 'soon', 'v2.0 main', 'a minimum', '5 apples'])('%s is none', (text) => {
    expect(durationIn(text)).toBeUndefined();
  });
});

describe('a schedule', () => {
  test.each([
    ['every 5 minutes', '@every 5m'],
    ['every minute', '* * * * *'],
    ['every hour', '0 * * * *'],
    ['every day at 9', '0 9 * * *'],
    ['every day at 12 am', '0 0 * * *'],
    ['every monday at 7:30 pm', '30 19 * * 1'],
    ['every weekday at 7:30', '30 7 * * 1-5'],
    ['each morning', '0 6 * * *'],
    ['every month', '0 0 1 * *'],
    ['on the cron 0 4 * * 1-5', '0 4 * * 1-5'],
  ])('%s is %s', (text, cron) => {
    expect(takeSchedule(`run it ${text}`)).toMatchObject({ schedules: [cron], unclear: [] });
  });

  test('that no cron expression says is unclear', () => {
    expect(takeSchedule('every 3 months, run it')).toEqual({
      rest: ' run it',
      schedules: [],
      unclear: ['every 3 months,'],
    });
  });

  test.each(['run the nightly report', 'for every order', 'the daily-report', 'every result'])(
    'is not read out of: %s',
    (text) => {
      expect(takeSchedule(text)).toEqual({ rest: text, schedules: [], unclear: [] });
    },
  );
});

test.each([
  ['retry it 5 times', { max_attempts: 5 }],
  ['GET it with up to three attempts', { max_attempts: 3 }],
  ['GET it with a timeout of 20 seconds', { timeout_seconds: 20 }],
  ['GET it within 2 minutes and 4 retries', { timeout_seconds: 120, max_attempts: 4 }],
  ['wait 20 seconds', {}],
])('%s says of how it is done: %j', (text, modifiers) => {
  expect(takeModifiers(text).modifiers).toEqual(modifiers);
});

test.each([
  ['the status is not 200', { test: 'status', operator: '==', value: 200, negated: true }],
  ['the status is at least 500', { test: 'status', operator: '>=', value: 500, negated: false }],
  ['the score is below 80', { test: 'score', operator: '<', value: 80, negated: false }],
  ['the score is no more than 80', { test: 'score', operator: '<=', value: 80, negated: false }],
  ['the exit code isn’t 0', { test: 'exit_code', operator: '==', value: 0, negated: true }],
  ['it fails', { test: 'failed', negated: false }],
  ['that does not', { test: 'failed', negated: false }],
  ["it doesn't fail", { test: 'failed', negated: true }],
  ['all went well', { test: 'failed', negated: true }],
  ['it does not work', { test: 'failed', negated: false }],
  ['the moon is full', undefined],
  ['the answer has 200 rows', undefined],
])('“if %s” is %j', (text, condition) => {
  expect(readCondition(text)).toEqual(condition);
});

describe('a list', () => {
  const each = (text: string) => {
    const masked = maskSpans(text);
    return readEach(masked.text, masked);
  };

  test.each([
    ['the orders 1, 2 and 3', { items: [1, 2, 3], noun: 'order' }],
    ['"a", "b"', { items: ['a', 'b'] }],
    ['https://a.b and https://c.d', { items: ['https://a.b', 'https://c.d'] }],
    ['[{"x":1},{"x":2}]', { items: [{ x: 1 }, { x: 2 }] }],
    ['the results', {}],
    ['them', {}],
    ['the stars in the sky', undefined],
  ])('%s is %j', (text, expected) => expect(each(text)).toEqual(expected));

  test('may stand in the middle of a clause', () => {
    const masked = maskSpans('refund each of the orders 7 and 8');
    expect(takeInlineEach(masked.text, masked)).toEqual({
      rest: 'refund order',
      each: { items: [7, 8], noun: 'order' },
    });
  });
});

test.each([
  ['refund order 4711', { order: 4711 }],
  ['customer #12 and invoice no. 9', { customer: 12, invoice: 9 }],
  ['wait for 10 minutes, status 200, version 3', {}],
])('numbers are named by nouns: %s', (text, numbers) => {
  expect(numbersNamed(text)).toEqual(numbers);
});
