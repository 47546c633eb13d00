import { extensionOf, isTestPath } from '../source-language.ts';
import { fieldsOf, jsonOf, listOf, nameOf, placeOf, textOf } from './answer.ts';
import { SEMGREP_RULES, semgrepRulesFile } from './semgrep-rules.ts';
import { NoAnswer, type ExternalTool, type ToolHit } from './tool.ts';

const ENDINGS = new Set(['go', 'java', 'php', 'py', 'rb']);

/** With these it did not get to the end of a file; what it cannot parse is told by others. */
const GAVE_UP = /^(Timeout|OutOfMemory|StackOverflow|TooManyMatches|FixpointTimeout)/i;

/** Rules of ours for languages that have no other here: https://semgrep.dev. It is told to write JSON. */
export const SEMGREP: ExternalTool = {
  area: 'security',
  version: '1',
  endingFor: (path) => {
    const ending = extensionOf(path);
    return ENDINGS.has(ending) && !isTestPath(path) ? ending : undefined;
  },
  rules: semgrepRulesFile(),
  read(output) {
    const { results, errors } = fieldsOf(jsonOf(output));
    return { hits: listOf(results).map(fieldsOf).map(hitOf), unread: listOf(errors).flatMap(unreadIn) };
  },
};

function hitOf(result: Readonly<Record<string, unknown>>): ToolHit {
  const check_id = textOf(result.check_id);
  const rule = SEMGREP_RULES.get(check_id.slice(check_id.lastIndexOf('.') + 1));
  if (!rule) throw new NoAnswer('No rule of ours.');
  const [start, end] = [fieldsOf(result.start), fieldsOf(result.end)];
  return {
    file: nameOf(result.path),
    rule: rule.rule,
    message: rule.message,
    line: placeOf(start.line),
    end_line: placeOf(end.line),
    columns: { from: placeOf(start.col), to: placeOf(end.col), unit: 'byte' },
  };
}

function unreadIn(value: unknown): string[] {
  const { type, path } = fieldsOf(value);
  // Some kinds are a list that begins with their name.
  const kind: unknown = Array.isArray(type) ? type[0] : type;
  return typeof kind === 'string' && GAVE_UP.test(kind) && typeof path === 'string' ? [nameOf(path)] : [];
}
