import type { Problem } from '../../contract/errors.ts';

/** A place in the document that is being checked, and where its problems go. */
export interface Site {
  /** RFC 6901 pointer. */
  path: string;
  report(message: string): void;
  at(key: string | number): Site;
}

export type Check = (value: unknown, site: Site) => void;

/** An answer longer than this helps nobody; the rest is counted. */
const MAX_PROBLEMS = 500;

export interface Report {
  root: Site;
  problems(): Problem[];
}

export function createReport(): Report {
  const problems: Problem[] = [];
  let more = 0;
  const report = (path: string, message: string): void => {
    if (problems.length < MAX_PROBLEMS) problems.push({ path, message });
    else more++;
  };
  const rest = (): Problem[] =>
    more === 0 ? [] : [{ path: '', message: `There are ${more} more problems.` }];
  return { root: new Place(report), problems: () => [...problems, ...rest()] };
}

type Sink = (path: string, message: string) => void;

/**
 * A class, so that the thousands of places of a document share their methods. Most have no problem, so a pointer is
 * only put together when it is asked for.
 */
class Place implements Site {
  readonly #parent: Place | undefined;
  readonly #key: string | number;
  readonly #sink: Sink;

  constructor(sink: Sink, parent?: Place, key: string | number = '') {
    this.#sink = sink;
    this.#parent = parent;
    this.#key = key;
  }

  get path(): string {
    return this.#parent === undefined ? '' : `${this.#parent.path}/${escapeToken(String(this.#key))}`;
  }

  at(key: string | number): Site {
    return new Place(this.#sink, this, key);
  }

  report(message: string): void {
    this.#sink(this.path, message);
  }
}

/** RFC 6901 §3. */
export function escapeToken(key: string): string {
  return key.replaceAll('~', '~0').replaceAll('/', '~1');
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Checks an object against its table of fields: none unknown, the required ones there. */
export function record(fields: Readonly<Record<string, Check>>, required: readonly string[] = []): Check {
  // A Map, so that a document's `constructor` or `__proto__` is an unknown field and not an inherited one.
  const known = new Map(Object.entries(fields));
  return (value, site) => {
    if (!isRecord(value)) return site.report('must be an object');
    for (const key of required) if (!Object.hasOwn(value, key)) site.at(key).report('is required');
    for (const [key, member] of Object.entries(value)) {
      const check = known.get(key);
      if (check === undefined) site.at(key).report('is not a known field');
      else check(member, site.at(key));
    }
  };
}

export function listOf(check: Check, limits: { min?: number; max?: number } = {}): Check {
  const { min = 0, max = 1_000 } = limits;
  return (value, site) => {
    if (!Array.isArray(value)) return site.report('must be an array');
    if (value.length < min || value.length > max) site.report(`must have ${min} to ${max} items`);
    value.slice(0, max).forEach((item, i) => check(item, site.at(i)));
  };
}

/** An object with any keys that `key` accepts. */
export function mapOf(check: Check, key: Check = any): Check {
  return (value, site) => {
    if (!isRecord(value)) return site.report('must be an object');
    for (const [name, member] of Object.entries(value)) {
      key(name, site.at(name));
      check(member, site.at(name));
    }
  };
}

export function any(): void {
  // Any JSON will do.
}

export function text(rule: { max?: number; min?: number; pattern?: RegExp; like?: string } = {}): Check {
  const { min = 0, max = 10_000, pattern, like = 'must have another form' } = rule;
  return (value, site) => {
    if (typeof value !== 'string') return site.report('must be a string');
    if (value.length < min || value.length > max) return site.report(`must have ${min} to ${max} characters`);
    if (pattern !== undefined && !pattern.test(value)) site.report(like);
  };
}

export function number(rule: { min?: number; above?: number; max: number; integer?: boolean }): Check {
  const { min, above, max, integer = false } = rule;
  return (value, site) => {
    if (typeof value !== 'number' || (integer && !Number.isInteger(value))) {
      return site.report(integer ? 'must be an integer' : 'must be a number');
    }
    if (above !== undefined && value <= above) site.report(`must be greater than ${above}`);
    else if (min !== undefined && value < min) site.report(`must be at least ${min}`);
    else if (value > max) site.report(`must be at most ${max}`);
  };
}

export function integer(min: number, max: number): Check {
  return number({ min, max, integer: true });
}

export function flag(value: unknown, site: Site): void {
  if (typeof value !== 'boolean') site.report('must be true or false');
}

export function oneOf(options: readonly string[]): Check {
  return (value, site) => {
    if (typeof value !== 'string' || !options.includes(value))
      site.report(`must be one of ${options.join(', ')}`);
  };
}

/** What holds an expression is checked when it is evaluated; a literal is checked now. */
export function orExpression(check: Check): Check {
  return (value, site) => {
    if (typeof value !== 'string' || !value.includes('${{')) check(value, site);
  };
}
