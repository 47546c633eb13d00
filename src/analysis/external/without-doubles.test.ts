import type { Finding } from '../../contract/findings.ts';
import { withoutDoubles } from './without-doubles.ts';

const finding = (tool: string, more: Partial<Finding> = {}): Finding => ({
  ...{ rule_id: `${tool}/x`, area: 'security', kind: 'hardcoded-secret', severity: 'error', message: 'm' },
  ...{ path: 'a.py', line: 5, column: 1, end_line: 5, end_column: 9, tool, fingerprint: '' },
  ...more,
});
const toolsOf = (own: Finding[], others: Finding[]) => withoutDoubles(own, others).map(({ tool }) => tool);
const OWN = finding('orchestrator');

test.each<[string, Finding[], Finding[], string[]]>([
  ['of our own rule', [OWN], [finding('gitleaks'), finding('bandit')], []],
  ['of another program', [], [finding('bandit'), finding('gitleaks')], ['gitleaks']],
  ['on another line', [OWN], [finding('gitleaks', { line: 6, end_line: 6 })], ['gitleaks']],
  ['that begins before', [OWN], [finding('gitleaks', { line: 2, end_line: 7 })], []],
  ['in another file', [OWN], [finding('gitleaks', { path: 'b.py' })], ['gitleaks']],
  ['of another kind', [OWN], [finding('bandit', { kind: 'sql-injection' })], ['bandit']],
  ['of the same program', [], [finding('bandit'), finding('bandit')], ['bandit', 'bandit']],
])('a finding %s', (_what, own, others, kept) => {
  expect(toolsOf(own, others)).toEqual(kept);
});

test.each([
  ['gitleaks/generic-api-key', 'test/a.py', false],
  ['gitleaks/github-pat', 'test/a.py', true],
  ['gitleaks/generic-api-key', 'src/a.py', true],
  ['bandit/B105', 'tests/test_a.py', false],
])('%s in %s is told: %s', (rule_id, path, is_told) => {
  expect(withoutDoubles([], [finding('x', { rule_id, path })])).toHaveLength(is_told ? 1 : 0);
});
