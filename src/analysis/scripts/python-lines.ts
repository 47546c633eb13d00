import type { ScriptLine } from '../text-rule.ts';

const MAX_ROWS = 60;
const MAX_CHARS = 5_000;

/** The statements of a Python file, without comments and without texts of several lines. */
export function pythonLines(text: string): ScriptLine[] {
  const rows = withoutComments(text).split('\n');
  const lines: ScriptLine[] = [];
  const around: { indent: number; name: string }[] = [];
  for (let i = 0; i < rows.length; i++) {
    const first = rows[i] ?? '';
    if (first.trim() === '') continue;
    let statement = first;
    const from = i;
    while (statement.length < MAX_CHARS && isOpen(statement) && i + 1 < rows.length && i - from < MAX_ROWS)
      statement += `\n${rows[++i] ?? ''}`;
    const indent = first.length - first.trimStart().length;
    while (around.length > 0 && (around.at(-1)?.indent ?? 0) >= indent) around.pop();
    lines.push({
      text: statement.slice(0, MAX_CHARS),
      line: from + 1,
      indent,
      symbol: around.map((one) => one.name).join('.'),
    });
    const [, name] = /^\s*(?:async\s+)?(?:def|class)\s+(\w+)/.exec(first) ?? [];
    if (name !== undefined) around.push({ indent, name });
  }
  return lines;
}

/** Comments and what stands between triple quotes become blanks, so that lines stay where they are. */
function withoutComments(text: string): string {
  return text.replace(/("""|''')[\s\S]*?\1|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|#[^\n]*/g, (found) => {
    if (found.startsWith('#')) return '';
    return found.startsWith('"""') || found.startsWith("'''") ? `""${found.replace(/[^\n]/g, '')}` : found;
  });
}

/** It has more opening brackets than closing ones, or a backslash at its end. */
function isOpen(statement: string): boolean {
  if (statement.endsWith('\\')) return true;
  let depth = 0;
  for (const char of withoutTexts(statement)) {
    if ('([{'.includes(char)) depth++;
    if (')]}'.includes(char)) depth--;
  }
  return depth > 0;
}

function withoutTexts(statement: string): string {
  return statement.replace(/"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'/g, '');
}
