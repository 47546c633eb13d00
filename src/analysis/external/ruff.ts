import type { FindingSeverity } from '../../contract/findings.ts';
import { extensionOf } from '../source-language.ts';
import { fieldsOf, idOf, jsonOf, listOf, nameOf, placeOf, textOf } from './answer.ts';
import { toolRule, type ExternalTool, type ToolHit } from './tool.ts';

const ENDINGS = new Map([
  ['py', 'py'],
  ['pyw', 'py'],
  ['pyi', 'pyi'],
]);
const SYNTAX = 'invalid-syntax';

/** The longest beginning of a code that is here tells how bad it is. */
const SEVERITIES: Readonly<Record<string, FindingSeverity>> = {
  [SYNTAX]: 'error',
  E9: 'error',
  PLE: 'error',
  F: 'warning',
  F401: 'note',
  F541: 'note',
  F63: 'error',
  F7: 'error',
  F82: 'error',
  F841: 'note',
  B: 'warning',
  B006: 'error',
  B007: 'note',
  B904: 'note',
  B905: 'note',
  E7: 'note',
  E722: 'warning',
};

/** What our own rules, or others, find as well. */
const KINDS: Readonly<Record<string, string>> = {
  [SYNTAX]: 'syntax-error',
  B006: 'mutable-default',
  E722: 'bare-except',
  F632: 'identity-of-literal',
  F631: 'assert-on-tuple',
};

/** Mistakes in Python: https://docs.astral.sh/ruff. It is told to write JSON. */
export const RUFF: ExternalTool = {
  area: 'static',
  version: '1',
  endingFor: (path) => ENDINGS.get(extensionOf(path)),
  read: (output) => ({ hits: firstSyntaxError(listOf(jsonOf(output)).map(hitOf)), unread: [] }),
};

function hitOf(value: unknown): ToolHit {
  const { code, filename, message, name, location, end_location } = fieldsOf(value);
  // Earlier versions give what cannot be parsed no code.
  const id = code === null ? SYNTAX : idOf(code, /^([A-Z]{1,6}\d{1,5}|[a-z-]+)$/);
  const [from, to] = [fieldsOf(location), fieldsOf(end_location)];
  const kind = KINDS[id] ?? (typeof name === 'string' ? idOf(name, /^[a-z][a-z0-9-]*$/) : id.toLowerCase());
  return {
    file: nameOf(filename),
    rule: toolRule('ruff', id, { area: 'static', kind, severity: severityOf(id), help: helpOf(id) }),
    message: textOf(message),
    line: placeOf(from.row),
    end_line: placeOf(to.row),
    columns: { from: placeOf(from.column), to: placeOf(to.column), unit: 'character' },
  };
}

const helpOf = (id: string): string | undefined =>
  id === SYNTAX ? undefined : `Ruff tells more: ruff rule ${id}`;

function severityOf(id: string): FindingSeverity {
  for (let length = id.length; length > 0; length--) {
    const known = SEVERITIES[id.slice(0, length)];
    if (known) return known;
  }
  return 'note';
}

/** What follows the first one in a file is mostly a consequence of it. */
function firstSyntaxError(hits: ToolHit[]): ToolHit[] {
  const seen = new Set<string>();
  return hits.filter(({ file, rule }) => {
    if (rule.kind !== 'syntax-error') return true;
    const is_first = !seen.has(file);
    seen.add(file);
    return is_first;
  });
}
