import type { Advisory, AdvisorySource } from '../../contract/advisory.ts';
import type { Finding, SourceFile } from '../../contract/findings.ts';
import { toFindings } from '../fingerprint.ts';
import { OWN_TOOL, ownRule, type RuleHit } from '../rule-hit.ts';
import { type LockedPackage, lockedPackages } from './advisories-locks.ts';

const VULNERABLE = ownRule('security', 'vulnerable-dependency', 'error', {
  cwe: 'CWE-1395',
  help: 'Move to a version without the flaw.',
});
const MAX_PACKAGES = 20_000;
const TOO_MANY = `The lock files have more than ${MAX_PACKAGES} packages; the others were not looked up.`;

/**
 * Findings for the packages of lock files that the source knows flaws of, and what is missing in them. The source is asked
 * once for all files. These findings change while the files do not, so they are not to be kept by the files' hashes.
 */
export async function findAdvisories(
  files: readonly SourceFile[],
  source: AdvisorySource,
  signal: AbortSignal,
): Promise<{ findings: Finding[]; problems: string[] }> {
  const locks = files.map((file) => ({ path: file.path, packages: lockedPackages(file) }));
  const once = new Map(locks.flatMap(({ packages }) => packages).map((one) => [keyOf(one, one.name), one]));
  if (once.size === 0) return { findings: [], problems: [] };
  const asked = [...once.values()].slice(0, MAX_PACKAGES);
  const { advisories, problems } = await source(asked, signal);
  const by_package = byPackage(advisories);
  const findings = locks.flatMap(({ path, packages }) =>
    toFindings(
      path,
      packages.flatMap((one) =>
        (by_package.get(keyOf(one, one.name)) ?? []).map((known) => hitOf(known, one)),
      ),
    ),
  );
  return { findings, problems: [...problems, ...(once.size > asked.length ? [TOO_MANY] : [])] };
}

function byPackage(advisories: readonly Advisory[]): Map<string, Advisory[]> {
  const grouped = new Map<string, Advisory[]>();
  for (const advisory of advisories) {
    const key = keyOf(advisory, advisory.package);
    grouped.set(key, [...(grouped.get(key) ?? []), advisory]);
  }
  return grouped;
}

const keyOf = ({ ecosystem, version }: { ecosystem: string; version: string }, name: string): string =>
  `${ecosystem} ${name}@${version}`;

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
