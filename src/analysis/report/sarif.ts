import type { Finding, FindingRule } from '../../contract/findings.ts';
import type { Json, JsonObject } from '../../contract/json.ts';
import { ANALYSER_VERSION } from '../analysis-key.ts';
import { OWN_TOOL } from '../rule-hit.ts';

export interface SarifOptions {
  /** Where the tree came from, if an address may be told: `https://…`. */
  repository?: string;
  /** The commit that was analysed. */
  revision?: string;
  /** Fingerprints of the run before; with them each result says whether it is new. */
  known_fingerprints?: ReadonlySet<string>;
}

const LEVELS = { error: 'error', warning: 'warning', note: 'note' } as const;
/** What GitHub makes a severity of: 0 to 10. */
const SECURITY_SEVERITY = { error: '8.0', warning: '5.0', note: '2.0' } as const;

/** A SARIF 2.1.0 log with one run for each tool. Paths are relative to `SRCROOT`. */
export function toSarif(findings: readonly Finding[], options: SarifOptions = {}): JsonObject {
  const tools = [...new Set([OWN_TOOL, ...findings.map((one) => one.tool)])];
  return {
    $schema: 'https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json',
    version: '2.1.0',
    runs: tools.map((tool) =>
      runOf(
        tool,
        findings.filter((one) => one.tool === tool),
        options,
      ),
    ),
  };
}

function runOf(tool: string, findings: readonly Finding[], options: SarifOptions): JsonObject {
  const rules = [...new Map(findings.map((one) => [one.rule_id, one])).values()];
  const index = new Map(rules.map((rule, i) => [rule.rule_id, i]));
  const { repository, revision } = options;
  return {
    tool: {
      driver: {
        name: tool,
        ...(tool === OWN_TOOL ? { version: ANALYSER_VERSION } : {}),
        rules: rules.map(ruleOf),
      },
    },
    automationDetails: { id: `code_analysis/${tool}` },
    columnKind: 'utf16CodeUnits',
    originalUriBaseIds: { SRCROOT: { description: { text: 'The root of the analysed tree.' } } },
    ...(repository === undefined
      ? {}
      : {
          versionControlProvenance: [
            { repositoryUri: repository, ...(revision === undefined ? {} : { revisionId: revision }) },
          ],
        }),
    results: findings.map((one) => resultOf(one, index.get(one.rule_id) ?? 0, options)),
  };
}

function ruleOf({ rule_id, kind, area, severity, help, cwe }: FindingRule): Json {
  return {
    id: rule_id,
    name: kind,
    shortDescription: { text: kind.replaceAll('-', ' ') },
    ...(help === undefined ? {} : { help: { text: help } }),
    defaultConfiguration: { level: LEVELS[severity] },
    properties: {
      tags: [area, ...(cwe === undefined ? [] : [`external/cwe/${cwe.toLowerCase()}`])],
      ...(area === 'security' ? { 'security-severity': SECURITY_SEVERITY[severity] } : {}),
    },
  };
}

function resultOf(finding: Finding, rule_index: number, { known_fingerprints }: SarifOptions): Json {
  const { rule_id, severity, message, path, fingerprint } = finding;
  const state = known_fingerprints?.has(fingerprint) === true ? 'unchanged' : 'new';
  return {
    ruleId: rule_id,
    ruleIndex: rule_index,
    level: LEVELS[severity],
    message: { text: message },
    locations: [
      {
        physicalLocation: {
          artifactLocation: { uri: uriOf(path), uriBaseId: 'SRCROOT' },
          region: regionOf(finding),
        },
      },
    ],
    partialFingerprints: { 'orchestrator/v1': fingerprint },
    ...(known_fingerprints ? { baselineState: state } : {}),
  };
}

/** The end is the first column behind the region, as it is in a finding. */
function regionOf({ line, column, end_line, end_column }: Finding): Json {
  const is_empty = end_line < line || (end_line === line && end_column < column);
  if (is_empty) return { startLine: line, startColumn: column };
  return { startLine: line, startColumn: column, endLine: end_line, endColumn: end_column };
}

/** A half of a pair that stands alone has no UTF-8, and so no URI. */
const LONE_HALVES = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

function uriOf(path: string): string {
  return path.replace(LONE_HALVES, '\ufffd').split('/').map(encodeURIComponent).join('/');
}
