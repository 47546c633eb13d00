import type { FileAnalysis, FileFacts, FindingArea, SourceFile } from '../contract/findings.ts';
import { emptyFacts } from './empty-facts.ts';
import { toFindings } from './fingerprint.ts';
import { analyseCode } from './javascript/analyse-code.ts';
import { packageFacts } from './package-facts.ts';
import type { RuleHit } from './rule-hit.ts';
import { analyseScript } from './scripts/analyse-script.ts';
import { findSecrets } from './secrets/find-secrets.ts';
import { skipReasonOf } from './skip.ts';
import { extensionOf, isTestPath, languageOf } from './source-language.ts';

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

/**
 * What is wrong with one file in the areas asked for, and its facts for `analyseTree`, which do not depend on the areas. Deterministic.
 * A file that is not read (`skipReasonOf`) or cannot be parsed is no error.
 */
export function analyseFile(file: SourceFile, areas: readonly FindingArea[]): FileAnalysis {
  if (skipReasonOf(file) !== undefined)
    return { findings: [], facts: { ...emptyFacts(file), is_opaque: true } };
  const wanted = new Set(areas);
  const { hits, facts } = analyseLanguage(file, wanted);
  const secrets = wanted.has('security') ? findSecrets(file) : [];
  return { findings: toFindings(file.path, [...hits, ...secrets]), facts };
}

/** The same analysis for the same bytes at another path. */
export function relocate({ findings, facts }: FileAnalysis, path: string): FileAnalysis {
  return { findings: findings.map((finding) => ({ ...finding, path })), facts: { ...facts, path } };
}

function analyseLanguage(
  file: SourceFile,
  areas: ReadonlySet<FindingArea>,
): { hits: RuleHit[]; facts: FileFacts } {
  switch (languageOf(file.path)) {
    case 'javascript':
    case 'typescript':
      return analyseCode(file, areas);
    case 'python':
    case 'shell':
      return { hits: analyseScript(file, areas), facts: emptyFacts(file) };
    default:
      return { hits: [], facts: file.path.endsWith('package.json') ? packageFacts(file) : emptyFacts(file) };
  }
}
