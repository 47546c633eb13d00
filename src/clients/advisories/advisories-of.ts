import type { Advisory, PackageVersion } from '../../contract/advisory.ts';
import { fixedIn } from './affected.ts';
import type { OsvDocument } from './osv-document.ts';
import { plainText } from './plain-text.ts';
import { severityOf } from './severity.ts';

const MAX_SUMMARY_CHARS = 200;
const FIXED = /^[\w.!+~:-]{1,100}$/;

/**
 * What to tell of the documents that concern a version: nothing of withdrawn ones, and one advisory of those that are
 * the same flaw in several databases, by preference one that says how bad it is.
 */
export function advisoriesOf(one: PackageVersion, documents: readonly OsvDocument[]): Advisory[] {
  const rank = (document: OsvDocument) => (severityOf(document, one) === undefined ? 1 : 0);
  const ordered = documents
    .filter(({ withdrawn }) => withdrawn == null)
    .sort((a, b) => rank(a) - rank(b) || (a.id < b.id ? -1 : 1));
  const told = new Set<string>();
  return ordered.flatMap((document) => {
    const names = [document.id, ...document.aliases];
    const is_new = !names.some((name) => told.has(name));
    for (const name of names) told.add(name);
    return is_new ? [advisoryOf(document, one)] : [];
  });
}

function advisoryOf(document: OsvDocument, one: PackageVersion): Advisory {
  const fixed_in = fixedIn(document, one);
  const [first_line] = (document.details ?? '').trim().split('\n');
  const said = plainText(document.summary ?? '', MAX_SUMMARY_CHARS);
  return {
    id: document.id,
    ecosystem: one.ecosystem,
    package: one.name,
    version: one.version,
    summary: said || plainText(first_line ?? '', MAX_SUMMARY_CHARS) || 'has a known flaw',
    severity: severityOf(document, one) ?? 'warning',
    ...(fixed_in !== undefined && FIXED.test(fixed_in) ? { fixed_in } : {}),
  };
}
