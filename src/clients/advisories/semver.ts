import { compareDigits } from './digits.ts';

const MAX_CHARS = 256;
const VERSION =
  /^v?(\d+)(?:\.(\d+))?(?:\.(\d+))?(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+[0-9A-Za-z.-]*)?$/;

/** The order of semver.org §11, for npm and Go; `1` is `1.0.0`. Undefined for what is no version. */
export function compareSemver(a: string, b: string): number | undefined {
  const [one, other] = [parse(a), parse(b)];
  if (!one || !other) return undefined;
  for (const [i, digits] of one.numbers.entries()) {
    const order = compareDigits(digits, other.numbers[i]!);
    if (order !== 0) return order;
  }
  return comparePre(one.pre, other.pre);
}

function parse(text: string): { numbers: string[]; pre: string[] } | undefined {
  const match = text.length > MAX_CHARS ? null : VERSION.exec(text.trim());
  if (!match) return undefined;
  const [, major = '0', minor = '0', patch = '0', pre] = match;
  return { numbers: [major, minor, patch], pre: pre === undefined ? [] : pre.split('.') };
}

function comparePre(a: readonly string[], b: readonly string[]): number {
  // What has no pre-release comes behind those that have one.
  if (a.length === 0 || b.length === 0) return b.length - a.length;
  for (const [i, id] of a.entries()) {
    const other = b[i];
    if (other === undefined) return 1;
    const order = compareIds(id, other);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

function compareIds(a: string, b: string): number {
  const [is_number, is_other_number] = [/^\d+$/.test(a), /^\d+$/.test(b)];
  if (is_number && is_other_number) return compareDigits(a, b);
  if (is_number !== is_other_number) return is_number ? -1 : 1;
  return a < b ? -1 : a > b ? 1 : 0;
}
