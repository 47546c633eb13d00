import { Duration } from '@marcbachmann/cel-js/evaluator';

import { LanguageFault } from './expression-error.ts';

const RFC_3339 = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)$/;
const DURATION = /^([+-]?)((?:\d{1,15}(?:\.\d{1,9})?(?:ns|us|µs|ms|s|m|h)){1,7})$/;
const PART = /(\d+)(?:\.(\d+))?(ns|us|µs|ms|s|m|h)/g;
const UNIT_NANOS: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  µs: 1_000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
};

/**
 * A timestamp the engine recognises. In the workflow sandbox `Date` is replaced, but `new Date(…)` still makes
 * objects whose `constructor` is the original one, and the engine tells types by `constructor`.
 */
export function timestampAt(ms: number): Date {
  return adopt(new Date(ms));
}

export function adopt(date: Date): Date {
  if (date.constructor === Date) return date;
  return Object.defineProperty(date, 'constructor', { value: Date });
}

/** RFC 3339 only: other forms `Date` accepts depend on the host's time zone. */
export function parseTimestamp(text: string): Date {
  const ms = text.length <= 40 && RFC_3339.test(text) ? Date.parse(text.toUpperCase()) : Number.NaN;
  if (Number.isNaN(ms)) throw new LanguageFault('timestamp() takes an RFC 3339 date and time');
  return timestampAt(ms);
}

/** `1h30m`, `-1.5s`, `250ms`: as in Go, with at most seven parts. */
export function parseDuration(text: string): Duration {
  const match = text.length <= 128 ? DURATION.exec(text) : null;
  if (match === null) throw new LanguageFault('duration() takes a text such as "1h30m" or "2.5s"');
  let nanos = 0n;
  for (const [, whole = '', fraction = '', unit = ''] of (match[2] ?? '').matchAll(PART)) {
    const scale = UNIT_NANOS[unit] ?? 0n;
    nanos += BigInt(whole) * scale + (BigInt(fraction.padEnd(9, '0')) * scale) / 1_000_000_000n;
  }
  if (match[1] === '-') nanos = -nanos;
  return new Duration(nanos / 1_000_000_000n, Number(nanos % 1_000_000_000n));
}

/** Day of the year from 0, in UTC: the engine's own reads the host's time zone. */
export function dayOfYear(date: Date): bigint {
  return BigInt(Math.floor((date.getTime() - Date.UTC(date.getUTCFullYear(), 0, 1)) / 86_400_000));
}
