import type { FileAnalysis, FindingArea, SourceFile } from '../contract/findings.ts';
import { extensionOf, isTestPath } from './source-language.ts';

/** Goes up with every change of a rule: what was found by another version is not what this one finds. */
export const ANALYSER_VERSION = '1';

/**
 * Under what the analysis of a file may be kept: its bytes, the version, the area, and what of its path decides how it is read. The same
 * bytes at two such paths give the same analysis but for the path, see `relocate`.
 */
export function analysisKey(file: Pick<SourceFile, 'path' | 'cas_id'>, area: FindingArea): string {
  const name = file.path.slice(file.path.lastIndexOf('/') + 1);
  const form = extensionOf(file.path) || (name.startsWith('.env') || name === 'package.json' ? name : '');
  const special = name === 'package.json' || /lock/.test(name) ? name : '';
  return [
    ANALYSER_VERSION,
    area,
    form,
    special,
    isTestPath(file.path) ? 'test' : 'product',
    file.cas_id,
  ].join(':');
}

/** The same analysis for the same bytes at another path. */
export function relocate({ findings, facts }: FileAnalysis, path: string): FileAnalysis {
  return { findings: findings.map((finding) => ({ ...finding, path })), facts: { ...facts, path } };
}
