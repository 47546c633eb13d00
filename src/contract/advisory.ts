import type { FindingSeverity } from './findings.ts';

/** A version of a package: `npm`, `PyPI` or `Go`, and the name as it is written there. */
export interface PackageVersion {
  ecosystem: string;
  name: string;
  version: string;
}

/** What is known of one flaw that a version has; all text is plain. */
export interface Advisory {
  /** `GHSA-…` or `CVE-…`. */
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
  advisories: Advisory[];
  problems: string[];
}

/** Knows the flaws of these versions. Rejects with the reason of the signal only: a source that is away is a problem. */
export type AdvisorySource = (
  packages: readonly PackageVersion[],
  signal: AbortSignal,
) => Promise<AdvisoryAnswer>;
