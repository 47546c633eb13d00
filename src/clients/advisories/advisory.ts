import type { FindingSeverity } from '../../contract/findings.ts';

/** A version of a package: `npm`, `PyPI` or `Go`, and the name as it is written there. */
export interface PackageVersion {
  ecosystem: string;
  name: string;
  version: string;
}

/** What is known of one flaw that a version has; all text is plain. */
export interface KnownAdvisory {
  id: string;
  ecosystem: string;
  package: string;
  version: string;
  summary: string;
  severity: FindingSeverity;
  /** The first version behind this one that is without the flaw. */
  fixed_in?: string;
}

/** What stands although `problems`, sentences for whoever reads the findings, say what is missing. */
export interface AdvisoryAnswer {
  advisories: KnownAdvisory[];
  problems: string[];
}

/** Flaws of these versions. Rejects with the reason of the signal only: a source that is away is a problem. */
export type AdvisoryLookup = (
  packages: readonly PackageVersion[],
  signal: AbortSignal,
) => Promise<AdvisoryAnswer>;

/** What a package is found by: names of PyPI are the same in any spelling (PEP 503). */
export function packageKey({ ecosystem, name }: Pick<PackageVersion, 'ecosystem' | 'name'>): string {
  const [base = ''] = ecosystem.split(':');
  return `${base} ${base === 'PyPI' ? name.toLowerCase().replace(/[-_.]+/g, '-') : name}`;
}
