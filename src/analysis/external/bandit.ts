import type { FindingSeverity } from '../../contract/findings.ts';
import { extensionOf } from '../source-language.ts';
import { fieldsOf, idOf, jsonOf, listOf, nameOf, placeOf, textOf } from './answer.ts';
import { NoAnswer, toolRule, type ExternalTool, type ToolHit } from './tool.ts';

/** Loading a module, or starting a program at all, is no defect; nor is an assertion. */
const NO_DEFECT = /^B(101|4\d\d|603|606|607)$/;

/** What our own rules, or others, find as well. */
const KINDS: Readonly<Record<string, string>> = {
  B102: 'code-injection',
  B103: 'world-writable',
  B105: 'hardcoded-secret',
  B106: 'hardcoded-secret',
  B107: 'hardcoded-secret',
  B201: 'debug-in-production',
  B301: 'unsafe-deserialization',
  B302: 'unsafe-deserialization',
  B303: 'weak-hash',
  B304: 'weak-cipher',
  B305: 'weak-cipher',
  B306: 'insecure-temp-file',
  B307: 'code-injection',
  B311: 'weak-random',
  B323: 'tls-verification-off',
  B324: 'weak-hash',
  B501: 'tls-verification-off',
  B506: 'unsafe-deserialization',
  B602: 'command-injection',
  B604: 'command-injection',
  B605: 'command-injection',
  B608: 'sql-injection',
  B609: 'command-injection',
  B610: 'sql-injection',
  B611: 'sql-injection',
  B614: 'unsafe-deserialization',
  B701: 'xss',
  B703: 'xss',
  B704: 'xss',
};

/** Bandit repeats the secret that it found. */
const MESSAGES: Readonly<Record<string, string>> = {
  'hardcoded-secret': 'This looks like a password.',
};

const SEVERITIES = { HIGH: 'error', MEDIUM: 'warning', LOW: 'note', UNDEFINED: 'note' } as const;
type Level = keyof typeof SEVERITIES;

/** What is unsafe in Python: https://bandit.readthedocs.io. It is told to write JSON. */
export const BANDIT: ExternalTool = {
  area: 'security',
  version: '1',
  endingFor: (path) => (['py', 'pyw'].includes(extensionOf(path)) ? 'py' : undefined),
  read(output) {
    const { results, errors } = fieldsOf(jsonOf(output));
    // A file that it cannot parse is told by others.
    listOf(errors).map(fieldsOf);
    return { hits: listOf(results).map(fieldsOf).flatMap(hitOf), unread: [] };
  },
};

function hitOf(result: Readonly<Record<string, unknown>>): ToolHit[] {
  const id = idOf(result.test_id, /^B\d{3}$/);
  if (NO_DEFECT.test(id)) return [];
  const kind = KINDS[id] ?? idOf(result.test_name, /^\w+$/).toLowerCase().replaceAll('_', '-');
  const line = placeOf(result.line_number);
  const end_line = Math.max(line, ...listOf(result.line_range).map(placeOf).slice(0, 1_000));
  const severity = severityOf(levelOf(result.issue_severity), levelOf(result.issue_confidence));
  const hit = {
    file: nameOf(result.filename),
    rule: toolRule('bandit', id, { area: 'security', kind, severity, ...cweOf(result.issue_cwe) }),
    message: MESSAGES[kind] ?? textOf(result.issue_text),
    line,
    end_line,
  };
  return [{ ...hit, ...columnsOf(result) }];
}

function columnsOf(result: Readonly<Record<string, unknown>>): Pick<ToolHit, 'columns'> {
  // Earlier versions do not tell the end, and -1 stands for none.
  const [from, to] = [result.col_offset, result.end_col_offset];
  if (typeof from !== 'number' || typeof to !== 'number' || from < 0 || to <= 0) return {};
  return { columns: { from: placeOf(from) + 1, to: placeOf(to) + 1, unit: 'byte' } };
}

function levelOf(value: unknown): Level {
  const level = textOf(value);
  if (!(level in SEVERITIES)) throw new NoAnswer('No level.');
  return level as Level;
}

/** What bandit is not sure of is one step less bad. */
function severityOf(severity: Level, confidence: Level): FindingSeverity {
  const known = SEVERITIES[severity];
  if (confidence !== 'LOW') return known;
  return known === 'error' ? 'warning' : 'note';
}

function cweOf(value: unknown): { cwe?: string } {
  const id = typeof value === 'object' && value !== null ? (value as { id?: unknown }).id : undefined;
  return typeof id === 'number' && Number.isSafeInteger(id) && id > 0 ? { cwe: `CWE-${id}` } : {};
}
