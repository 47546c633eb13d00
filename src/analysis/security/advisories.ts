import type { Finding, FindingSeverity, SourceFile } from '../../contract/findings.ts';
import { toFindings } from '../fingerprint.ts';
import { OWN_TOOL, ownRule, type RuleHit } from '../rule-hit.ts';

/** One version of a package that a lock file holds. */
export interface LockedPackage {
  ecosystem: 'npm' | 'PyPI';
  name: string;
  version: string;
  /** Where the lock file says so, from 1. */
  line: number;
}

export interface Advisory {
  /** `GHSA-…` or `CVE-…`. */
  id: string;
  package: string;
  version: string;
  summary: string;
  severity: FindingSeverity;
  /** The first version without the flaw. */
  fixed_in?: string;
}

/** Asks somebody who knows which of these versions have known flaws. */
export type AdvisorySource = (packages: readonly LockedPackage[]) => Promise<readonly Advisory[]>;

const VULNERABLE = ownRule('security', 'vulnerable-dependency', 'error', {
  cwe: 'CWE-1395',
  help: 'Move to a version without the flaw.',
});
const MAX_PACKAGES = 20_000;

/** The packages of a lock file (`package-lock.json`, `requirements.txt`); empty for any other file. Each version once. */
export function lockedPackages({ path, text }: Pick<SourceFile, 'path' | 'text'>): LockedPackage[] {
  const name = path.slice(path.lastIndexOf('/') + 1);
  const all =
    name === 'package-lock.json'
      ? npmPackages(text)
      : /^requirements[\w.-]*\.txt$/.test(name)
        ? pythonPackages(text)
        : [];
  const once = new Map(all.map((one) => [`${one.name}@${one.version}`, one]));
  return [...once.values()].slice(0, MAX_PACKAGES);
}

/** Findings for the packages of a lock file that the source knows flaws of. Rejects with what the source rejects with. */
export async function findAdvisories(file: SourceFile, source: AdvisorySource): Promise<Finding[]> {
  const packages = lockedPackages(file);
  if (packages.length === 0) return [];
  const by_name = new Map(packages.map((one) => [`${one.name}@${one.version}`, one]));
  const hits = (await source(packages)).flatMap((advisory): RuleHit[] => {
    const found = by_name.get(`${advisory.package}@${advisory.version}`);
    return found ? [hitOf(advisory, found)] : [];
  });
  return toFindings(file.path, hits);
}

function hitOf(
  { id, summary, severity, fixed_in }: Advisory,
  { name, version, line }: LockedPackage,
): RuleHit {
  const remedy = fixed_in === undefined ? '' : ` Fixed in ${fixed_in}.`;
  return {
    rule: { ...VULNERABLE, severity },
    message: `${name} ${version}: ${summary} (${id}).${remedy}`,
    span: { line, column: 1, end_line: line, end_column: 1 },
    symbol: name,
    // Without the version: the flaw stays the same when the package moves to another version that has it too.
    snippet: `${id} ${name}`,
    tool: OWN_TOOL,
  };
}

function npmPackages(text: string): LockedPackage[] {
  const lines = linesOfKeys(text);
  return Object.entries(packagesIn(text)).flatMap(([at, entry]) => {
    const name = at.split('node_modules/').at(-1) ?? '';
    const version = (entry as { version?: unknown } | null)?.version;
    if (name === '' || typeof version !== 'string') return [];
    return [{ ecosystem: 'npm' as const, name, version, line: lines.get(at) ?? 1 }];
  });
}

function packagesIn(text: string): Record<string, unknown> {
  try {
    const lock: unknown = JSON.parse(text);
    const packages = (lock as { packages?: unknown } | null)?.packages;
    return typeof packages === 'object' && packages !== null ? (packages as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

function linesOfKeys(text: string): Map<string, number> {
  const lines = new Map<string, number>();
  for (const [i, line] of text.split('\n').entries()) {
    const [, key] = /^\s{0,20}"(node_modules\/[^"]{1,300})":/.exec(line) ?? [];
    if (key !== undefined) lines.set(key, i + 1);
  }
  return lines;
}

function pythonPackages(text: string): LockedPackage[] {
  return text.split('\n').flatMap((line, i) => {
    const [, name, version] =
      /^\s{0,10}([A-Za-z0-9][\w.-]{0,100})(?:\[[^\]]{0,100}\])?\s{0,5}==\s{0,5}([\w.!+-]{1,60})/.exec(line) ??
      [];
    return name === undefined || version === undefined
      ? []
      : [{ ecosystem: 'PyPI' as const, name: name.toLowerCase(), version, line: i + 1 }];
  });
}
