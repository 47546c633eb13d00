import type { Finding } from '../../../contract/findings.ts';
import { onChangedLines } from './changed-findings.ts';

const finding = (line: number, end_line: number, path = 'a.js'): Finding => ({
  rule_id: 'static/x',
  area: 'static',
  kind: 'x',
  severity: 'warning',
  message: 'x',
  path,
  line,
  column: 5,
  end_line,
  end_column: 1,
  tool: 'orchestrator',
  fingerprint: 'f',
});
const added = new Map([['a.js', new Set([4, 6, 30])]]);

test.each([
  ['begins on an added line', finding(4, 4), [4, 5]],
  ['begins on an added line and is long', finding(4, 90), [4, 5]],
  ['is a statement with an added line: it is said of that line', finding(3, 5), [4, 1]],
  ['is a statement with two: it is said of the first', finding(2, 7), [4, 1]],
  ['ends before the added line', finding(1, 3), undefined],
  ['begins after it', finding(5, 5), undefined],
  ['is of a long stretch around it', finding(20, 40), undefined],
  ['is of a file that was not changed', finding(4, 4, 'b.js'), undefined],
])('a finding that %s', (_what, one, expected) => {
  expect(onChangedLines([one], added).map(({ line, column }) => [line, column])).toEqual(
    expected === undefined ? [] : [expected],
  );
});
