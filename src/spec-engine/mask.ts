/**
 * Instructions as they were written, and beside them the same text with everything that stands for itself (code, quotations, JSON,
 * addresses) filled over. Both have the same length, so a place in one is a place in the other.
 */
export interface Masked {
  raw: string;
  masked: string;
}

export const FILL = '\uE000';
/** What looks like JSON and is never closed costs a look at the rest of the text. */
const MAX_BRACKET_TRIES = 64;
const MAX_QUOTED = 4_000;
const QUOTES: Readonly<Record<string, string>> = {
  '"': '"',
  '“': '”',
  '„': '“',
  '«': '»',
  "'": "'",
  '`': '`',
};
const BULLET = /[ \t]{0,8}(?:[-*•]|\d{1,3}[.)])[ \t]{1,8}/y;
const BLANK = /[^\S\n]+/y;
const URL = /https?:\/\/[^\s<>"'`“”«»]+/iy;
const NAME = /^[A-Za-z_][\w-]*$/;

/** Blanks become one space, and the marks in front of the lines of a list go. */
export function mask(instructions: string): Masked {
  const text = instructions.replaceAll('\r\n', '\n').replaceAll(FILL, ' ');
  const brackets = { left: MAX_BRACKET_TRIES };
  let raw = '';
  let masked = '';
  for (let at = 0; at < text.length;) {
    if (at === 0 || text[at - 1] === '\n') at += lengthOf(BULLET, text, at);
    const blank = lengthOf(BLANK, text, at);
    const end = blank > 0 ? at + blank : (spanAt(text, at, brackets) ?? at + 1);
    const part = blank > 0 ? ' ' : text.slice(at, end);
    raw += part;
    masked += part.length > 1 && !isQuotedName(part) ? FILL.repeat(part.length) : part;
    at = end;
  }
  return { raw, masked };
}

/** The end of what stands for itself at a place, if something does. */
function spanAt(text: string, at: number, brackets: { left: number }): number | undefined {
  const char = text[at]!;
  if (text.startsWith('```', at)) return closed(text, '```', at + 3);
  if (char === '{' || char === '[' || char === '(')
    return brackets.left-- > 0 ? closingOf(text, at) : undefined;
  if (char === 'h' || char === 'H') return urlEnd(text, at);
  return char in QUOTES ? quoteEnd(text, at) : undefined;
}

function closed(text: string, by: string, from: number): number | undefined {
  const close = text.indexOf(by, from);
  return close < 0 ? undefined : close + by.length;
}

const CLOSING: Readonly<Record<string, string>> = { '{': '}', '[': ']', '(': ')' };

function closingOf(text: string, from: number): number | undefined {
  const open: string[] = [];
  for (let at = from; at < text.length; at++) {
    const char = text[at]!;
    if (char === '"') at = (quoteEnd(text, at) ?? at + 1) - 1;
    else if (char in CLOSING) open.push(CLOSING[char]!);
    else if (char === open.at(-1)) open.pop();
    if (open.length === 0) return at + 1;
  }
  return undefined;
}

function urlEnd(text: string, at: number): number | undefined {
  let length = lengthOf(URL, text, at);
  while (length > 0 && '.,;:!?)]}'.includes(text[at + length - 1]!)) length--;
  return length > 0 ? at + length : undefined;
}

function quoteEnd(text: string, at: number): number | undefined {
  const open = text[at]!;
  // An apostrophe stands in the middle or at the end of a word.
  if (open === "'" && /[\p{L}\p{N}]/u.test(text[at - 1] ?? ' ')) return undefined;
  const close = QUOTES[open]!;
  for (let end = at + 1; end < Math.min(text.length, at + MAX_QUOTED); end++) {
    if (text[end] === '\n') return undefined;
    if (text[end] === '\\') end++;
    else if (text[end] === close) return end + 1;
  }
  return undefined;
}

function isQuotedName(part: string): boolean {
  return part[0]! in QUOTES && NAME.test(part.slice(1, -1));
}

function lengthOf(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0].length ?? 0;
}
