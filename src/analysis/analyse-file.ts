import type { FileAnalysis, FileFacts, FindingArea, SourceFile } from '../contract/findings.ts';
import { emptyFacts } from './empty-facts.ts';
import { toFindings } from './fingerprint.ts';
import { analyseCode } from './javascript/analyse-code.ts';
import { packageFacts } from './package-facts.ts';
import type { RuleHit } from './rule-hit.ts';
import { analyseScript } from './scripts/analyse-script.ts';
import { findSecrets } from './secrets/find-secrets.ts';
import { skipReasonOf } from './skip.ts';
import { languageOf } from './source-language.ts';

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
