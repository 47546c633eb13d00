import { Ajv } from 'ajv';
import fc from 'fast-check';
import { findingsIn } from '../../../test/analysis/analyse-text.ts';
import { SARIF_SCHEMA } from '../../../test/analysis/sarif-schema.ts';
import type { Finding } from '../../contract/findings.ts';
import { countFindings } from '../score.ts';
import { trendsOf } from '../trends.ts';
import { toHtml } from './html.ts';
import { toMarkdown } from './markdown.ts';
import { MAX_LISTED, type ReportContent } from './report-content.ts';
import { toSarif } from './sarif.ts';

const FINDINGS = findingsIn({
  'src/a b.js': 'export const f = (text) => eval(text);\nif (f == 2) f();\n',
  'src/ü.py': 'import os\nos.system(name)\n',
});
const validate = new Ajv({ strict: false }).compile(SARIF_SCHEMA);

function content(findings: readonly Finding[], before: readonly Finding[] = []): ReportContent {
  const counts = countFindings(findings, [{ lines: 4 }], { binary: 1 });
  return {
    title: 'shop',
    revision: 'main',
    score: 71.4,
    previous_score: 80,
    counts,
    trends: trendsOf(findings, before),
  };
}

describe('SARIF', () => {
  test('is valid with and without findings', () => {
    for (const findings of [FINDINGS, []]) {
      validate(toSarif(findings, { repository: 'https://example.com/a.git', revision: 'abc' }));
      expect(validate.errors).toBeNull();
    }
  });

  test('a broken log is refused, so that the schema can fail', () => {
    expect(validate({ version: '2.1.0', runs: [{ results: [] }] })).toBe(false);
    expect(validate({ ...toSarif(FINDINGS), version: '2.0.0' })).toBe(false);
  });

  test('has each result under its tool, with its rule, place and fingerprint', () => {
    const known = new Set([FINDINGS[0]?.fingerprint ?? '']);
    const log = toSarif(FINDINGS, { known_fingerprints: known }) as unknown as Log;
    const results = log.runs.flatMap((run) => run.results.map((result) => ({ run, result })));
    expect(results).toHaveLength(FINDINGS.length);
    for (const { run, result } of results) {
      const finding = FINDINGS.find(
        (one) => one.fingerprint === result.partialFingerprints['orchestrator/v1'],
      );
      expect(run.tool.driver.name).toBe(finding?.tool);
      expect(run.tool.driver.rules[result.ruleIndex]?.id).toBe(finding?.rule_id);
      expect(decodeURIComponent(result.locations[0]?.physicalLocation.artifactLocation.uri ?? '')).toBe(
        finding?.path,
      );
      expect(result.baselineState).toBe(known.has(finding?.fingerprint ?? '') ? 'unchanged' : 'new');
    }
  });
});

interface Log {
  runs: {
    tool: { driver: { name: string; rules: { id: string }[] } };
    results: {
      ruleIndex: number;
      baselineState: string;
      partialFingerprints: Record<string, string>;
      locations: { physicalLocation: { artifactLocation: { uri: string } } }[];
    }[];
  }[];
}

describe('the readable report', () => {
  test.each([
    ['Markdown', toMarkdown],
    ['HTML', toHtml],
  ])('in %s tells score, counts and what changed', (_name, write) => {
    const [first, ...rest] = FINDINGS;
    const text = write(content(rest, first ? [first] : []));
    expect(text).toContain('71.4');
    expect(text).toContain('−8.6');
    expect(text).toContain(`New: ${rest.length} · fixed: 1 · unchanged: 0`);
    expect(text).toContain('1 binary');
    for (const { rule_id } of FINDINGS) expect(text.replaceAll('\\', '')).toContain(rule_id);
  });

  test('in HTML holds no markup of the analysed tree, and loads nothing', () => {
    const hostile = fc.string().map((text) => `<script>${text}</script><img src=x onerror="a">'`);
    fc.assert(
      fc.property(hostile, (text) => {
        const html = toHtml({
          ...content(FINDINGS.map((one) => ({ ...one, path: text, message: text, help: text }))),
          title: text,
          revision: text,
        });
        expect(html).not.toMatch(/<script|<img|<link|\ssrc=x onerror="/);
      }),
    );
  });

  test('in Markdown holds no markup, links or mentions of the analysed tree', () => {
    const message = '<b>x</b> [a](https://example.com) ![i](x) @all\n# title | `code` https://example.com';
    const text = toMarkdown(content(FINDINGS.map((one) => ({ ...one, message, path: 'a`b\n# c' }))));
    expect(text).not.toMatch(/<b>|\]\(|(^|[^\\])!\[|@all|\n# (c|title)|https:\/\//);
  });

  test('names at most so many findings', () => {
    const [one] = FINDINGS;
    const many = Array.from({ length: MAX_LISTED + 3 }, (_, i) => ({
      ...(one as Finding),
      fingerprint: String(i),
    }));
    expect(toMarkdown(content(many))).toContain('and 3 more');
    expect(toHtml(content(many))).toContain('and 3 more');
  });
});
