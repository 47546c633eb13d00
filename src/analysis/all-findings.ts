import type { Finding } from '../contract/findings.ts';
import { separateFingerprints } from './fingerprint.ts';

/**
 * The findings of an analysis: those of its files and those of its tree, each once, in order of path and place, and no two with
 * the same fingerprint.
 */
export function allFindings(of_files: readonly Finding[], of_tree: readonly Finding[]): Finding[] {
  const seen = new Set<string>();
  const once = [...of_files, ...of_tree].filter((one) => {
    const key = `${one.rule_id}\n${one.path}\n${one.line}\n${one.column}`;
    const is_new = !seen.has(key);
    seen.add(key);
    return is_new;
  });
  return separateFingerprints(once);
}
