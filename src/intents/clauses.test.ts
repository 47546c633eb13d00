import { isCompletion, splitClauses } from './clauses.ts';
import { requestsOf } from './sentences.ts';
import { maskSpans, unmask } from './spans.ts';

/** Clauses as `role: text`, with what leads to them in front. */
function clauses(text: string, own: string[] = []): string[] {
  const masked = maskSpans(text);
  return splitClauses(masked, new Set(own)).map((clause) => {
    const flags = (['then', 'parallel', 'otherwise'] as const).filter((flag) => clause[flag]).join(' ');
    return `${clause.role}${flags === '' ? '' : ` ${flags}`}: ${unmask(clause.text, masked)}`;
  });
}

test.each<[string, string[]]>([
  ['fetch a and wait', ['main: fetch a', 'main: wait']],
  ['fetch a, b and c', ['main: fetch a, b and c']],
  ['fetch a and then wait', ['main: fetch a', 'main then: wait']],
  ['please could you fetch a?', ['main: fetch a']],
  ['fetch v1.2.0. Then wait.', ['main: fetch v1.2.0', 'main then: wait']],
  ['fetch "a, then b"', ['main: fetch "a, then b"']],
  ['once Kim approves, deploy it', ['after: Kim approves', 'main: deploy it']],
  ['deploy it after two people approve', ['main: deploy it', 'after: two people approve']],
  ['if it fails fetch b', ['if: it fails', 'main: fetch b']],
  ['after that fetch b', ['main then: fetch b']],
  ['run it once a day', ['main: run it once a day']],
  ['wait for 1 second', ['main: wait for 1 second']],
  ['second, fetch a', ['main then: fetch a']],
  ['fetch a while waiting', ['main: fetch a', 'main parallel: waiting']],
  ['fetch a while it lasts', ['main: fetch a while it lasts']],
  ['fetch a and b at the same time, then wait', ['main parallel: fetch a and b', 'main then: wait']],
  ['fetch a; otherwise wait', ['main: fetch a', 'main otherwise: wait']],
  ['for each of 1, 2 and 3 fetch a', ['each: 1, 2 and 3', 'main: fetch a']],
  ['fetch a and polish the silver', ['main: fetch a', 'main: polish the silver']],
  ['fetch a with the key and the lock', ['main: fetch a with the key and the lock']],
  ['fetch a and review !17', ['main: fetch a', 'main: review !17']],
])('%s', (text, expected) => {
  expect(clauses(text)).toEqual(expected);
});

test('a word that a workflow is named by begins a clause', () => {
  expect(clauses('fetch a and refund order 7', ['refund'])).toEqual([
    'main: fetch a',
    'main: refund order 7',
  ]);
  expect(clauses('fetch a and refund order 7')).toEqual(['main: fetch a and refund order 7']);
});

test.each([
  'that',
  'both are done',
  'it has finished',
  'all of them have succeeded',
  'the results are there',
  'the deployment',
  'deployed',
])('“after %s” waits for nothing new', (text) => {
  expect(isCompletion(text)).toBe(true);
});

test.each(['Kim approves', 'the event x', '5 minutes', 'the review of Kim'])('“after %s” does', (text) => {
  expect(isCompletion(text)).toBe(false);
});

describe('what goes side by side', () => {
  const beside = (text: string) => {
    const masked = maskSpans(text);
    return requestsOf(splitClauses(masked, new Set()), masked).map((request) => request.beside);
  };

  test.each<[string, boolean[]]>([
    ['fetch a, fetch b and wait', [false, false, false]],
    ['in parallel, fetch a, fetch b and wait', [false, true, true]],
    ['fetch a and fetch b at the same time, then wait', [false, true, false]],
    ['fetch a. Meanwhile, fetch b. Then wait.', [false, true, false]],
    ['fetch a. In parallel, fetch b and fetch c.', [false, false, true]],
  ])('%s: %j', (text, expected) => {
    expect(beside(text)).toEqual(expected);
  });
});
