import type { PackageVersion } from '../../contract/advisory.ts';
import { packageKey } from './package-key.ts';
import type { Affected, AffectedRange, OsvDocument, RangeEvent } from './osv-document.ts';
import { comparePep440 } from './pep440.ts';
import { compareSemver } from './semver.ts';

type Compare = (a: string, b: string) => number | undefined;

/** How each ecosystem that a lock file may be of orders its versions. */
const ORDERS: Readonly<Record<string, Compare>> = {
  npm: compareSemver,
  Go: compareSemver,
  PyPI: comparePep440,
};

export const isKnownEcosystem = (ecosystem: string): boolean => Object.hasOwn(ORDERS, baseOf(ecosystem));

/** Whether the document says that this version has the flaw: the evaluation of the OSV schema. */
export function isAffected(document: OsvDocument, one: PackageVersion): boolean {
  const compare = orderOf(one);
  return entriesOf(document, one).some(
    ({ versions, ranges }) =>
      versions.some((version) => version === one.version || compare(version, one.version) === 0) ||
      ranges.some((range) => includes(range, one.version, compare)),
  );
}

/** The lowest fixed version that is above this one. */
export function fixedIn(document: OsvDocument, one: PackageVersion): string | undefined {
  const compare = orderOf(one);
  return entriesOf(document, one)
    .flatMap(({ ranges }) => ranges.filter(isOfVersions).flatMap(({ events }) => events))
    .flatMap(({ fixed }) => (fixed !== undefined && (compare(fixed, one.version) ?? 0) > 0 ? [fixed] : []))
    .sort((a, b) => compare(a, b) ?? 0)
    .at(0);
}

/** What the document says of a package. */
export function entriesOf({ affected }: OsvDocument, one: Omit<PackageVersion, 'version'>): Affected[] {
  const key = packageKey(one);
  return affected.filter((entry) => entry.package && packageKey(entry.package) === key);
}

/** Ranges of commits tell nothing about versions. */
function isOfVersions({ type }: AffectedRange): boolean {
  return type === 'SEMVER' || type === 'ECOSYSTEM';
}

function includes(range: AffectedRange, version: string, compare: Compare): boolean {
  if (!isOfVersions(range) || !isBelowLimits(range, version, compare)) return false;
  let is_inside = false;
  for (const { introduced, fixed, last_affected } of sorted(range.events, compare)) {
    if (introduced !== undefined) is_inside ||= atLeast(version, introduced, compare);
    else if (fixed !== undefined) is_inside &&= !atLeast(version, fixed, compare);
    else if (last_affected !== undefined) is_inside &&= !((compare(version, last_affected) ?? 0) > 0);
  }
  return is_inside;
}

function isBelowLimits({ events }: AffectedRange, version: string, compare: Compare): boolean {
  const limits = events.flatMap(({ limit }) => (limit === undefined ? [] : [limit]));
  return limits.length === 0 || limits.some((limit) => limit === '*' || (compare(version, limit) ?? 0) < 0);
}

/** `0` is before every version, pre-releases of 0.0.0 too. A version that cannot be compared is in no range. */
function atLeast(version: string, bound: string, compare: Compare): boolean {
  if (bound === '0') return compare(version, version) !== undefined;
  const order = compare(version, bound);
  return order !== undefined && order >= 0;
}

/** In order of version; where one begins and another ends, the end counts. */
function sorted(events: readonly RangeEvent[], compare: Compare): RangeEvent[] {
  const at = ({ introduced, fixed, last_affected }: RangeEvent) => introduced ?? fixed ?? last_affected;
  return events
    .filter((event) => at(event) === '0' || compare(at(event) ?? '', at(event) ?? '') !== undefined)
    .sort((a, b) => {
      if (at(a) === '0' || at(b) === '0') return Number(at(b) === '0') - Number(at(a) === '0');
      return (
        (compare(at(a)!, at(b)!) ?? 0) ||
        Number(b.introduced !== undefined) - Number(a.introduced !== undefined)
      );
    });
}

function orderOf({ ecosystem }: PackageVersion): Compare {
  return isKnownEcosystem(ecosystem) ? ORDERS[baseOf(ecosystem)]! : () => undefined;
}

/** Databases write `Debian:12` for a part of an ecosystem. */
const baseOf = (ecosystem: string): string => ecosystem.split(':', 1)[0] ?? '';
