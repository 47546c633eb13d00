import { ExpressionError } from './expression-error.ts';

const OPEN = '${{';
const ESCAPED = '$${{';

/**
 * What closes, opens or hides a `}}`: strings (raw and triple-quoted ones too), comments, braces. A string that is not
 * closed reaches to the end, so that the search goes over a text once.
 */
const TOKEN = new RegExp(
  [
    /[rR](?:"""[^]*?(?:"""|$)|'''[^]*?(?:'''|$)|"[^"]*(?:"|$)|'[^']*(?:'|$))/,
    /"""(?:\\[^]|[^\\])*?(?:"""|\\?$)|'''(?:\\[^]|[^\\])*?(?:'''|\\?$)/,
    /"(?:\\[^]|[^"\\])*(?:"|\\?$)|'(?:\\[^]|[^'\\])*(?:'|\\?$)/,
    /\/\/[^\n]*|[{}]|[A-Za-z0-9_]+/,
  ]
    .map((part) => part.source)
    .join('|'),
  'g',
);

/**
 * The parts of a text: literal strings and the CEL sources between `${{` and `}}`. A `}}` inside a CEL string or
 * closing CEL maps ends nothing. `$${{` is a literal `${{`. Throws `ExpressionError` for a `${{` without its `}}`.
 */
export function splitText(text: string): (string | { source: string })[] {
  const parts: (string | { source: string })[] = [];
  let literal = '';
  let at = 0;
  for (let open = text.indexOf(OPEN); open !== -1; open = text.indexOf(OPEN, at)) {
    if (open > at && text.startsWith(ESCAPED, open - 1)) {
      literal += text.slice(at, open - 1) + OPEN;
      at = open + OPEN.length;
      continue;
    }
    literal += text.slice(at, open);
    const close = closingOf(text, open + OPEN.length);
    if (literal !== '') parts.push(literal);
    literal = '';
    parts.push({ source: text.slice(open + OPEN.length, close).trim() });
    at = close + 2;
  }
  literal += text.slice(at);
  return literal === '' ? parts : [...parts, literal];
}

/** The source of a text that is one expression from end to end, white space around it aside; else undefined. */
export function wholeExpression(text: string): string | undefined {
  const [only, ...more] = splitText(text.trim());
  return typeof only === 'object' && more.length === 0 ? only.source : undefined;
}

function closingOf(text: string, from: number): number {
  let depth = 0;
  TOKEN.lastIndex = from;
  for (let token = TOKEN.exec(text); token !== null; token = TOKEN.exec(text)) {
    if (token[0] === '{') depth++;
    else if (token[0] === '}' && depth > 0) depth--;
    else if (token[0] === '}' && text[token.index + 1] === '}') return token.index;
  }
  throw new ExpressionError(text.slice(from).trim().slice(0, 200), 'the expression has no closing }}');
}
