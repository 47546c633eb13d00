import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { PASSWORD, SOURCES, TOKENS } from '../../../test/fixtures/analysers/sources.ts';
import type { Finding } from '../../contract/findings.ts';
import { toSarif } from '../report/sarif.ts';
import { toolFindings } from './tool-findings.ts';
import { NoAnswer, type ToolAnswer } from './tool.ts';
import { EXTERNAL_TOOLS, type ExternalToolName } from './tools.ts';

const NAMES = Object.keys(EXTERNAL_TOOLS) as ExternalToolName[];
const transcript = (tool: ExternalToolName): string =>
  readFileSync(
    new URL(
      `../../../test/fixtures/analysers/${tool}.${tool === 'lizard' ? 'csv' : 'json'}`,
      import.meta.url,
    ),
    'utf8',
  );

/** The findings of a recorded answer, by the paths of the sources: the nth of them was given as `f<n>`. */
function findingsOf(tool: ExternalToolName): Finding[] {
  const { hits } = EXTERNAL_TOOLS[tool].read(transcript(tool));
  return Object.entries(SOURCES).flatMap(([path, text], n) =>
    toolFindings(
      tool,
      hits.filter(({ file }) => file.startsWith(`f${n}.`)),
      text,
    ).map((finding) => ({ ...finding, path })),
  );
}
const placesOf = (tool: ExternalToolName): string[] =>
  findingsOf(tool).map(
    ({ path, line, rule_id, kind, severity }) => `${path}:${line} ${rule_id} ${kind} ${severity}`,
  );

const EXPECTED: Record<ExternalToolName, string[]> = {
  ruff: [
    'shop/load.py:5 ruff/B006 mutable-default error',
    'shop/load.py:6 ruff/F841 unused-variable note',
    'shop/load.py:9 ruff/E722 bare-except warning',
    'shop/load.py:11 ruff/F841 unused-variable note',
    'shop/load.py:11 ruff/F821 undefined-name error',
    'shop/load.py:12 ruff/F601 multi-value-repeated-key-literal warning',
    'shop/broken.py:1 ruff/invalid-syntax syntax-error error',
  ],
  lizard: ['shop/load.py:27 lizard/complexity complexity warning'],
  bandit: [
    'shop/load.py:6 bandit/B105 hardcoded-secret note',
    'shop/load.py:8 bandit/B301 unsafe-deserialization warning',
    'shop/load.py:16 bandit/B602 command-injection error',
    'shop/load.py:17 bandit/B608 sql-injection note',
    'shop/load.py:19 bandit/B605 command-injection error',
    'shop/load.py:21 bandit/B113 request-without-timeout note',
    'shop/load.py:22 bandit/B307 code-injection warning',
  ],
  semgrep: [
    'shop/load.py:18 semgrep/python-request-sql sql-injection error',
    'shop/load.py:19 semgrep/python-request-command command-injection error',
    'shop/load.py:20 semgrep/python-request-path path-traversal error',
    'shop/load.py:21 semgrep/python-request-address ssrf error',
    'shop/load.py:22 semgrep/python-request-code code-injection error',
    'cmd/run.go:11 semgrep/go-tls-unverified tls-verification-off error',
    'cmd/run.go:13 semgrep/go-built-sql sql-injection error',
    'cmd/run.go:14 semgrep/go-built-sql sql-injection error',
    'cmd/run.go:16 semgrep/go-shell-command command-injection error',
    'src/Run.java:7 semgrep/java-shell-command command-injection error',
    'src/Run.java:8 semgrep/java-built-sql sql-injection error',
    'src/Run.java:9 semgrep/java-weak-cipher weak-cipher warning',
    'src/Run.java:11 semgrep/java-object-stream unsafe-deserialization warning',
    'web/run.php:2 semgrep/php-request-command command-injection error',
    'web/run.php:3 semgrep/php-request-sql sql-injection error',
    'web/run.php:4 semgrep/php-request-code code-injection error',
    'app/run.rb:2 semgrep/ruby-request-command command-injection error',
    'app/run.rb:3 semgrep/ruby-request-code code-injection error',
    'app/run.rb:4 semgrep/ruby-request-objects unsafe-deserialization warning',
  ],
  gitleaks: [
    'config/notes.txt:3 gitleaks/github-pat hardcoded-secret error',
    'config/notes.txt:4 gitleaks/aws-access-token hardcoded-secret error',
  ],
};

describe.each(NAMES)('what %s says', (tool) => {
  test('is read as findings', () => {
    expect(placesOf(tool)).toEqual(EXPECTED[tool]);
  });

  test('has the fingerprints that lines moving below other lines leave alone', () => {
    const { hits } = EXTERNAL_TOOLS[tool].read(transcript(tool));
    const [path, text] = Object.entries(SOURCES)[Number(hits[0]!.file.slice(1, 2))]!;
    const here = hits.filter(({ file }) => file === hits[0]!.file);
    const moved = here.map((hit) => ({ ...hit, line: hit.line + 3, end_line: hit.end_line + 3 }));
    const fingerprints = (found: Finding[]) => found.map(({ fingerprint }) => fingerprint);
    expect(path).not.toBe('');
    expect(fingerprints(toolFindings(tool, moved, `\n\n\n${text}`))).toEqual(
      fingerprints(toolFindings(tool, here, text)),
    );
  });

  test('repeats no secret of the file', () => {
    const told = JSON.stringify(findingsOf(tool));
    for (const secret of [PASSWORD, ...TOKENS]) expect(told).not.toContain(secret);
  });

  test('is a run of its own in SARIF', () => {
    const findings = findingsOf(tool);
    expect(toSarif(findings).runs).toContainEqual(
      expect.objectContaining({
        tool: { driver: expect.objectContaining({ name: tool }) as unknown },
        results: findings.map(({ rule_id }) => expect.objectContaining({ ruleId: rule_id }) as unknown),
      }),
    );
  });

  test.each([
    '',
    '[',
    'null',
    '7',
    '"no"',
    '{}',
    '[7]',
    '{"results":[7],"errors":[]}',
    'Traceback: it broke',
  ])('is no answer when it is %j', (output) => {
    const reading = () => EXTERNAL_TOOLS[tool].read(output);
    // A program that writes a table and found no function writes nothing.
    if (tool === 'lizard' && output === '') expect(reading()).toEqual({ hits: [], unread: [] });
    else expect(reading).toThrow(NoAnswer);
  });

  test('is an answer or none, whatever is changed in it', () => {
    const good = transcript(tool);
    fc.assert(
      fc.property(fc.nat(good.length), fc.nat(20), fc.string({ maxLength: 20 }), (at, cut, text) => {
        const answer = readOrNone(tool, good.slice(0, at) + text + good.slice(at + cut));
        for (const { line, end_line, rule } of answer?.hits ?? []) {
          expect([line, end_line].every((one) => Number.isSafeInteger(one) && one >= 0)).toBe(true);
          expect(rule.rule_id.startsWith(`${tool}/`)).toBe(true);
        }
      }),
    );
  });
});

function readOrNone(tool: ExternalToolName, output: string): ToolAnswer | undefined {
  try {
    return EXTERNAL_TOOLS[tool].read(output);
  } catch (error) {
    if (error instanceof NoAnswer) return undefined;
    throw error;
  }
}

test.each<[ExternalToolName, string, string | undefined]>([
  ['ruff', 'a.py', 'py'],
  ['ruff', 'a.PYI', 'pyi'],
  ['ruff', 'pyproject.toml', undefined],
  ['lizard', 'a.go', 'go'],
  ['lizard', 'test_a.py', undefined],
  ['lizard', 'a.ts', undefined],
  ['bandit', 'a.pyw', 'py'],
  ['semgrep', '.semgrepignore', undefined],
  ['semgrep', 'a.java', 'java'],
  ['gitleaks', '.gitleaks.toml', 'txt'],
  ['gitleaks', 'image.svg', 'txt'],
  ['gitleaks', 'deploy/a.yaml', 'yaml'],
  ['gitleaks', 'a/package-lock.json', undefined],
])('%s gets %s with the ending %s', (tool, path, ending) => {
  expect(EXTERNAL_TOOLS[tool].endingFor(path)).toBe(ending);
});

test('comments that switch lizard off are none to it', () => {
  const { prepare = (text: string) => text } = EXTERNAL_TOOLS.lizard as {
    prepare?: (text: string) => string;
  };
  const text = '#lizard forgives\n# lizard forgive global\n# GENERATED CODE\nx = 1\n';
  expect(prepare(text)).not.toMatch(/lizard forgive|GENERATED CODE/);
  expect(prepare(text)).toHaveLength(text.length);
});

test('what semgrep gave up on is told', () => {
  const errors = [
    { type: 'Timeout', path: 'f1.py', message: 'm' },
    { type: ['PartialParsing', []], path: 'f2.py', message: 'm' },
    { type: ['OutOfMemory', []], path: './f3.py', message: 'm' },
  ];
  const answer = EXTERNAL_TOOLS.semgrep.read(JSON.stringify({ results: [], errors }));
  expect(answer.unread).toEqual(['f1.py', 'f3.py']);
});
