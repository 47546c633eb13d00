import type { z } from 'zod';

type RawIssue = z.core.$ZodRawIssue;

/** What a person calls the types of JSON. */
const TYPES: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  record: 'an object',
  null: 'null',
};

const UNITS: Readonly<Record<string, string>> = { string: 'character', array: 'item', record: 'member' };

/**
 * What is wrong with a value, for people: "must not be empty" instead of "Too small: expected string to have >=1
 * characters". Undefined leaves the words to zod. A schema that has words of its own keeps them.
 */
export function worded(issue: RawIssue): string | undefined {
  switch (issue.code) {
    case 'invalid_type':
      return typeMessage(issue.expected, issue.input);
    case 'too_small':
      return smallMessage(issue);
    case 'too_big':
      return bigMessage(issue);
    case 'invalid_value':
      return valueMessage(issue.values, issue.input);
    default:
      return undefined;
  }
}

function typeMessage(expected: string, input: unknown): string | undefined {
  if (input === undefined) return 'is required';
  const type = TYPES[expected];
  return type === undefined ? undefined : `must be ${type}`;
}

function valueMessage(values: readonly unknown[], input: unknown): string {
  if (input === undefined) return 'is required';
  const shown = values.map((value) => JSON.stringify(value));
  return shown.length === 1 ? `must be ${shown[0]}` : `must be one of ${shown.join(', ')}`;
}

interface Bound {
  origin: string;
  inclusive?: boolean;
  exact?: boolean;
}

function smallMessage({ origin, minimum, inclusive, exact }: Bound & { minimum: number | bigint }) {
  const unit = UNITS[origin];
  if (unit === undefined)
    return inclusive === false ? `must be over ${minimum}` : `must be at least ${minimum}`;
  if (Number(minimum) === 1 && !exact) return 'must not be empty';
  return `must have ${exact ? 'exactly' : 'at least'} ${counted(minimum, unit)}`;
}

function bigMessage({ origin, maximum, inclusive, exact }: Bound & { maximum: number | bigint }) {
  const unit = UNITS[origin];
  if (unit === undefined)
    return inclusive === false ? `must be below ${maximum}` : `must be at most ${maximum}`;
  return `must have ${exact ? 'exactly' : 'at most'} ${counted(maximum, unit)}`;
}

const counted = (count: number | bigint, unit: string) => `${count} ${unit}${Number(count) === 1 ? '' : 's'}`;
