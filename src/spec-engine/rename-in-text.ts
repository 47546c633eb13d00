import { ExpressionError } from '../language/expression-error.ts';
import { splitText } from '../language/placeholders.ts';
import { rootsOf } from '../language/template.ts';
import { Unclear } from './unclear.ts';

const OPEN = '${{';
/** Strings and comments of CEL, which are passed over, and the two ways a step is named. */
const STEP =
  /\/\/[^\n]*|(?<![.\w])steps\s*(?:\.\s*(?<dot>\w+)|\[\s*(?:"(?<double>\w+)"|'(?<single>\w+)')\s*\])|[rR]?(?:"""[^]*?"""|'''[^]*?'''|"(?:\\[^]|[^"\\])*"|'(?:\\[^]|[^'\\])*')/dg;

/**
 * A text with the step `from` named `to` in its expressions; what is between them stays as it is. Throws `Unclear` where it cannot be
 * told for certain which step an expression reads.
 */
export function renameInText(text: string, from: string, to: string): string {
  if (!text.includes(OPEN) || !text.includes(from)) return text;
  let renamed = '';
  let at = 0;
  for (const { start, source } of sourcesIn(text)) {
    renamed += text.slice(at, start) + renameInSource(source, from, to);
    at = start + source.length;
  }
  return renamed + text.slice(at);
}

function renameInSource(source: string, from: string, to: string): string {
  const before = readsOf(source);
  if (before === undefined || !before.includes(from)) return source;
  let renamed = '';
  let at = 0;
  for (const { indices } of source.matchAll(STEP)) {
    const { dot, double, single } = indices?.groups ?? {};
    const place = dot ?? double ?? single;
    if (!place || source.slice(...place) !== from) continue;
    renamed += source.slice(at, place[0]) + to;
    at = place[1];
  }
  renamed += source.slice(at);
  const wanted = [...new Set(before.map((id) => (id === from ? to : id)))].sort();
  if (JSON.stringify(readsOf(renamed)) !== JSON.stringify(wanted))
    throw new Unclear(`“${source}” reads “${from}” in a way that cannot be renamed for certain.`);
  return renamed;
}

/** The steps that a source reads; undefined for one that is no expression, which the validation will name. */
function readsOf(source: string): string[] | undefined {
  try {
    return rootsOf(source).steps;
  } catch (error) {
    if (error instanceof ExpressionError) return undefined;
    throw error;
  }
}

/** The sources of a text with their places. */
function sourcesIn(text: string): { start: number; source: string }[] {
  const found: { start: number; source: string }[] = [];
  let at = 0;
  for (const part of partsOf(text)) {
    if (typeof part === 'string') continue;
    let open = text.indexOf(OPEN, at);
    // Escaped ones are text.
    while (open > at && text[open - 1] === '$') open = text.indexOf(OPEN, (at = open + OPEN.length));
    const start = text.indexOf(part.source, open + OPEN.length);
    found.push({ start, source: part.source });
    at = text.indexOf('}}', start + part.source.length) + 2;
  }
  return found;
}

function partsOf(text: string): ReturnType<typeof splitText> {
  try {
    return splitText(text);
  } catch (error) {
    if (error instanceof ExpressionError) return [];
    throw error;
  }
}
