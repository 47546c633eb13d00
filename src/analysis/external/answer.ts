import { NoAnswer } from './tool.ts';

type Fields = Readonly<Record<string, unknown>>;

const MAX_ID_CHARS = 100;

/** What a program wrote as JSON. Throws `NoAnswer`. */
export function jsonOf(output: string): unknown {
  try {
    return JSON.parse(output);
  } catch {
    throw new NoAnswer('It is no JSON.');
  }
}

export function fieldsOf(value: unknown): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new NoAnswer('No object.');
  return value as Fields;
}

export function listOf(value: unknown): unknown[] {
  if (!Array.isArray(value)) throw new NoAnswer('No list.');
  return value;
}

export function textOf(value: unknown): string {
  if (typeof value !== 'string') throw new NoAnswer('No text.');
  return value;
}

/** A whole number that a line or a column may be. */
export function placeOf(value: unknown): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) throw new NoAnswer('No place.');
  return value;
}

/** An id of the form that the program's ids have. */
export function idOf(value: unknown, form: RegExp): string {
  const id = textOf(value);
  if (id.length > MAX_ID_CHARS || !form.test(id)) throw new NoAnswer('No id of a rule.');
  return id;
}

/** The last part of a path: programs are given files of one directory. */
export function nameOf(value: unknown): string {
  const path = textOf(value);
  return path.slice(path.lastIndexOf('/') + 1);
}
