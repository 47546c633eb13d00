import { isUtf8 } from 'node:buffer';
import type { Json } from '../../contract/json.ts';
import { AppError, type Problem } from '../../contract/errors.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;

/**
 * Text that may hold something no later stage should meet: U+0000, half a surrogate pair, `__proto__`, a number
 * beyond a double. A false alarm costs one walk; a miss is impossible, because each needs one of these spellings.
 */
const SUSPICIOUS = /\\u0000|\\u[dD][89a-fA-F]|__proto__|\\u005[fF]|\\u00[67]|\d[eE]\+?\d{3}|\d{100}/;
const MAX_PROBLEMS = 50;

/**
 * Reads a JSON body. Refuses what is not UTF-8, not JSON, too deep or ambiguous (400), and values nobody can store (422).
 */
export function parseJson(bytes: Buffer, max_depth: number): Json {
  const members = membersWithin(bytes, max_depth);
  if (members === undefined) throw malformed(`The JSON is nested deeper than ${max_depth} levels.`);
  if (!isUtf8(bytes)) throw malformed('The body is not valid UTF-8.');
  const text = bytes.toString('utf8');
  const value = parse(text);
  // Of two members of one name the parser keeps the last; another reader of the same bytes may take the first.
  if (membersOf(value) !== members) throw malformed('An object has two members of one name.');
  if (SUSPICIOUS.test(text)) assertStorable(value);
  return value;
}

function parse(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch (error) {
    const position = /position (\d+)/.exec((error as Error).message)?.[1];
    throw malformed(
      position === undefined ? 'The body is not valid JSON.' : `The body is not valid JSON at ${position}.`,
    );
  }
}

/**
 * How many members all objects have together, by their colons; undefined for JSON that is too deep. Brackets are counted
 * outside strings before anything is parsed, so that depth costs neither stack nor memory.
 */
function membersWithin(bytes: Buffer, max_depth: number): number | undefined {
  let depth = 0;
  let members = 0;
  let in_string = false;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i]!;
    if (in_string) {
      if (byte === BACKSLASH) i++;
      else if (byte === QUOTE) in_string = false;
    } else if (byte === QUOTE) in_string = true;
    else if (byte === 0x7b || byte === 0x5b) {
      if (++depth > max_depth) return undefined;
    } else if (byte === 0x7d || byte === 0x5d) depth--;
    else if (byte === COLON) members++;
  }
  return members;
}

/** Recursion is safe here: the depth is bounded already. */
function membersOf(value: Json): number {
  let members = 0;
  if (Array.isArray(value)) for (const item of value) members += membersOf(item);
  else if (value !== null && typeof value === 'object')
    for (const name of Object.keys(value)) members += 1 + membersOf(value[name]!);
  return members;
}

function assertStorable(root: Json): void {
  const problems: Problem[] = [];
  visit(root, '', problems);
  if (problems.length > 0) throw new AppError('validation_failed', { errors: problems });
}

/** Recursion is safe here, too. */
function visit(value: Json, path: string, problems: Problem[]): void {
  if (problems.length >= MAX_PROBLEMS) return;
  if (typeof value === 'string') noteText(value, path, problems);
  else if (typeof value === 'number') {
    if (!Number.isFinite(value)) problems.push({ path, message: 'the number is too large' });
  } else if (Array.isArray(value)) value.forEach((item, index) => visit(item, `${path}/${index}`, problems));
  else if (value !== null && typeof value === 'object') {
    for (const key of Object.keys(value)) {
      const inner = `${path}/${pointerToken(key)}`;
      if (key === '__proto__') problems.push({ path: inner, message: 'this name is not allowed' });
      noteText(key, inner, problems);
      visit(value[key]!, inner, problems);
    }
  }
}

function noteText(text: string, path: string, problems: Problem[]): void {
  const message = textProblem(text);
  if (message !== undefined) problems.push({ path, message });
}

/** What makes a text impossible to store, if anything does. */
export function textProblem(text: string): string | undefined {
  if (text.includes('\u0000')) return 'U+0000 is not allowed';
  return LONE_SURROGATE.test(text) ? 'half a surrogate pair is not allowed' : undefined;
}
const LONE_SURROGATE = /\p{Surrogate}/u;

/** One step of a JSON Pointer (RFC 6901). */
export function pointerToken(name: PropertyKey): string {
  const text = String(name);
  return /[~/]/.test(text) ? text.replaceAll('~', '~0').replaceAll('/', '~1') : text;
}

const malformed = (detail: string) => new AppError('malformed_request', { detail });
