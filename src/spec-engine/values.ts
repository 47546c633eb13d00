import { durationIn, numberOf } from '../intents/durations.ts';
import type { Json } from '../contract/json.ts';
import { Unclear } from './unclear.ts';

const MAX_DEPTH = 60;
const FENCED = /^```([A-Za-z+#]{0,20})[^\S\n]*\n?([^]*?)```$/;
const QUOTED = /^(?:“([^]*)”|„([^]*)“|«([^]*)»|'([^']*)'|`([^`]*)`)$/;
const EXPRESSION = /^\$\{\{[^]*\}\}$/;
/** A word that needs no quotation marks: nobody would mean anything but its letters. */
const BARE = /^[^\s"'`{}[\]()]+$/;

/** The value that a text stands for: JSON, a quotation, code, an expression or one plain word. Throws `Unclear`. */
export function readValue(text: string): Json {
  const value = jsonOf(text) ?? textOf(text);
  if (value === undefined)
    throw new Unclear(`“${short(text)}”: put a text in quotation marks, and anything else as JSON.`);
  if (!isShallow(value, MAX_DEPTH)) throw new Unclear('That value is nested too deep.');
  return value.wrapped;
}

/** The text that is meant, whatever it looks like; several words need no quotation marks. */
export function readText(text: string): string {
  const value = jsonOf(text)?.wrapped;
  return typeof value === 'string' ? value : (textOf(text)?.wrapped ?? text.trim());
}

/** Code between fences, with the language that the fence names. */
export function readFenced(text: string): { language?: string; source: string } | undefined {
  const [, language = '', source] = FENCED.exec(text.trim()) ?? [];
  if (source === undefined) return undefined;
  return { source, ...(language === '' ? {} : { language: language.toLowerCase() }) };
}

/** Seconds. Throws `Unclear` for what is no length of time. */
export function readSeconds(text: string): number {
  const seconds = durationIn(text);
  if (seconds === undefined || !(seconds > 0)) throw new Unclear(`“${short(text)}” is no length of time.`);
  return seconds;
}

/** Throws `Unclear` for what is no count. */
export function readCount(text: string): number {
  const word = text.toLowerCase();
  const count = word === 'once' ? 1 : word === 'twice' ? 2 : numberOf(word);
  if (!Number.isInteger(count) || count < 1) throw new Unclear(`“${short(text)}” is no count.`);
  return count;
}

export function short(text: string, chars = 80): string {
  return text.length <= chars ? text : `${text.slice(0, chars)}…`;
}

/** So that null can be told from nothing. */
interface Wrapped<T extends Json = Json> {
  wrapped: T;
}

function jsonOf(text: string): Wrapped | undefined {
  try {
    return { wrapped: JSON.parse(text) as Json };
  } catch {
    return undefined;
  }
}

function textOf(text: string): Wrapped<string> | undefined {
  const trimmed = text.trim();
  const fenced = readFenced(trimmed);
  if (fenced) return { wrapped: fenced.source };
  const quoted = QUOTED.exec(trimmed)
    ?.slice(1)
    .find((inside) => inside !== undefined);
  if (quoted !== undefined) return { wrapped: quoted };
  return EXPRESSION.test(trimmed) || BARE.test(trimmed) ? { wrapped: trimmed } : undefined;
}

function isShallow(value: Wrapped, depth: number): boolean {
  const within = (each: Json, left: number): boolean =>
    typeof each !== 'object' ||
    each === null ||
    (left > 0 && Object.values(each).every((member) => within(member, left - 1)));
  return within(value.wrapped, depth);
}
