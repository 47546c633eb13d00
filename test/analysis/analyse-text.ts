import { allFindings } from '../../src/analysis/all-findings.ts';
import { analyseFile } from '../../src/analysis/analyse-file.ts';
import { analyseTree } from '../../src/analysis/analyse-tree.ts';
import { type Finding, FINDING_AREAS, type SourceFile } from '../../src/contract/findings.ts';
import { hashText } from '../../src/language/content-hash.ts';

export function sourceFile(path: string, text: string): SourceFile {
  return { path, text, cas_id: hashText(text) };
}

/** All that is found in a tree of files. */
export function findingsIn(files: Readonly<Record<string, string>>): Finding[] {
  const analyses = Object.entries(files).map(([path, text]) =>
    analyseFile(sourceFile(path, text), FINDING_AREAS),
  );
  const of_files = analyses.flatMap((one) => one.findings);
  return allFindings(of_files, analyseTree(analyses.map((one) => one.facts)));
}

/** `12 sql-injection` for each finding in one file, but not what its neighbours' absence makes of it. */
export function kindsIn(text: string, path = 'src/a.js'): string[] {
  const { findings } = analyseFile(sourceFile(path, text), FINDING_AREAS);
  return findings.map((one) => one.kind);
}

/** `src/a.js:3 dependency-cycle` for each finding of the whole tree. */
export function placesIn(files: Readonly<Record<string, string>>): string[] {
  return findingsIn(files).map((one) => `${one.path}:${one.line} ${one.kind}`);
}
