import { LanguageFault } from './expression-error.ts';

/** A regular expression without captures: only "does it match" is asked of it. */
export type Pattern =
  | { kind: 'char'; test: (char: string) => boolean }
  | { kind: 'assert'; at: 'start' | 'end' | 'boundary' | 'not_boundary' }
  | { kind: 'sequence'; items: Pattern[] }
  | { kind: 'choice'; items: Pattern[] }
  | { kind: 'repeat'; item: Pattern; min: number; max: number };

const MAX_PATTERN_CHARS = 2_000;
const MAX_GROUP_DEPTH = 32;
const GROUP = /\((?:\?(?::|<[A-Za-z_$][\w$]*>))?/y;
const QUANTIFIER = /([*+?]|\{(\d+)(,(\d*))?\})\??/y;
/** One atom: an escape, a character class, a dot, or a character. Possible because syntax was checked before. */
const ATOM =
  /\\(?:[pPu]\{[^}]*\}|u[0-9a-fA-F]{4}(?:\\u[dD][c-fC-F][0-9a-fA-F]{2})?|x[0-9a-fA-F]{2}|c[A-Za-z]|.)|\[(?:\\.|[^\]\\])*\]|[^]/uy;

/**
 * Parses ECMAScript `u`-mode syntax, and a leading `(?i)` as in RE2. Throws `LanguageFault` for what is no pattern,
 * and for what needs backtracking: back-references and look-around.
 */
export function parsePattern(source: string): Pattern {
  if (source.length > MAX_PATTERN_CHARS) throw fault(`is longer than ${MAX_PATTERN_CHARS} characters`);
  const ignoreCase = source.startsWith('(?i)');
  const text = ignoreCase ? source.slice(4) : source;
  try {
    // Compiled for its syntax check only; it is never run.
    new RegExp(text, 'u');
  } catch {
    throw fault('is not a valid regular expression');
  }
  return choice({ text, at: 0, depth: 0, flags: ignoreCase ? 'iu' : 'u' });
}

interface Cursor {
  text: string;
  at: number;
  depth: number;
  flags: string;
}

function choice(cursor: Cursor): Pattern {
  if (++cursor.depth > MAX_GROUP_DEPTH) throw fault(`has groups nested deeper than ${MAX_GROUP_DEPTH}`);
  const items = [sequence(cursor)];
  while (cursor.text[cursor.at] === '|') {
    cursor.at++;
    items.push(sequence(cursor));
  }
  cursor.depth--;
  return items.length === 1 && items[0] !== undefined ? items[0] : { kind: 'choice', items };
}

function sequence(cursor: Cursor): Pattern {
  const items: Pattern[] = [];
  while (cursor.at < cursor.text.length && !'|)'.includes(cursor.text.charAt(cursor.at))) {
    items.push(quantified(cursor, term(cursor)));
  }
  return { kind: 'sequence', items };
}

function term(cursor: Cursor): Pattern {
  const char = cursor.text.charAt(cursor.at);
  if (char === '(') return group(cursor);
  if (char === '^' || char === '$') {
    cursor.at++;
    return { kind: 'assert', at: char === '^' ? 'start' : 'end' };
  }
  return atom(take(cursor, ATOM)?.[0] ?? '', cursor.flags);
}

function group(cursor: Cursor): Pattern {
  if (take(cursor, GROUP) === null || cursor.text[cursor.at] === '?')
    throw fault('uses look-around or group flags');
  const inner = choice(cursor);
  cursor.at++;
  return inner;
}

function atom(source: string, flags: string): Pattern {
  if (source === '\\b' || source === '\\B') {
    return { kind: 'assert', at: source === '\\b' ? 'boundary' : 'not_boundary' };
  }
  if (/^\\[1-9k]/.test(source)) throw fault('uses a back-reference');
  if (flags === 'u' && !/^[\\[.]/.test(source)) return { kind: 'char', test: (char) => char === source };
  const matcher = new RegExp(`^${source}$`, flags);
  return { kind: 'char', test: (char) => matcher.test(char) };
}

function quantified(cursor: Cursor, item: Pattern): Pattern {
  const match = take(cursor, QUANTIFIER);
  if (match === null) return item;
  const [, symbol = '', least = '', comma, most = ''] = match;
  if (symbol === '*') return { kind: 'repeat', item, min: 0, max: Infinity };
  if (symbol === '+') return { kind: 'repeat', item, min: 1, max: Infinity };
  if (symbol === '?') return { kind: 'repeat', item, min: 0, max: 1 };
  const min = Number(least);
  if (comma === undefined) return { kind: 'repeat', item, min, max: min };
  return { kind: 'repeat', item, min, max: most === '' ? Infinity : Number(most) };
}

function take(cursor: Cursor, pattern: RegExp): RegExpExecArray | null {
  pattern.lastIndex = cursor.at;
  const match = pattern.exec(cursor.text);
  if (match !== null) cursor.at = pattern.lastIndex;
  return match;
}

function fault(what: string): LanguageFault {
  return new LanguageFault(`the pattern ${what}`);
}
