import type { FindingSeverity } from '../../contract/findings.ts';
import type { PackageVersion } from '../../contract/advisory.ts';
import { entriesOf } from './affected.ts';
import { cvssScore } from './cvss.ts';
import type { OsvDocument } from './osv-document.ts';

/** Words of databases, by what they are here. */
const WORDS: Readonly<Record<string, FindingSeverity>> = {
  critical: 'error',
  high: 'error',
  important: 'error',
  moderate: 'warning',
  medium: 'warning',
  low: 'note',
  minor: 'note',
  negligible: 'note',
  none: 'note',
};
/** From this base score on. */
const SCORES: readonly (readonly [number, FindingSeverity])[] = [
  [7, 'error'],
  [4, 'warning'],
  [0, 'note'],
];

/** How bad it is; undefined when nobody says so. The database's own word counts before what a vector comes to. */
export function severityOf(document: OsvDocument, one: PackageVersion): FindingSeverity | undefined {
  // A package that is malicious as a whole has no vector.
  if (document.id.startsWith('MAL-')) return 'error';
  const entries = entriesOf(document, one);
  const words = [
    ...entries.flatMap(({ database_specific, ecosystem_specific }) => [
      database_specific,
      ecosystem_specific,
    ]),
    document.database_specific,
  ];
  const own = entries.flatMap(({ severity }) => severity);
  const rated = own.length > 0 ? own : document.severity;
  return first(words, byWord) ?? byScores(rated) ?? first(rated, ({ score }) => byWord(score));
}

function byWord(word: string | undefined): FindingSeverity | undefined {
  const known = word?.toLowerCase() ?? '';
  return Object.hasOwn(WORDS, known) ? WORDS[known] : undefined;
}

function byScores(rated: OsvDocument['severity']): FindingSeverity | undefined {
  const scores = rated.flatMap(({ score }) => cvssScore(score) ?? []);
  if (scores.length === 0) return undefined;
  return SCORES.find(([from]) => Math.max(...scores) >= from)?.[1];
}

function first<T, R>(items: readonly T[], pick: (item: T) => R | undefined): R | undefined {
  for (const item of items) {
    const picked = pick(item);
    if (picked !== undefined) return picked;
  }
  return undefined;
}
