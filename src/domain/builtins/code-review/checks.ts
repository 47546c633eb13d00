import { setImmediate as yieldToOthers } from 'node:timers/promises';
import { allFindings } from '../../../analysis/all-findings.ts';
import { analyseFile } from '../../../analysis/analyse-file.ts';
import { analyseTree } from '../../../analysis/analyse-tree.ts';
import { type FileAnalysis, type Finding, FINDING_AREAS } from '../../../contract/findings.ts';
import type { BlobService } from '../../blobs.ts';
import type { NodeExecutor } from '../../node-tasks.ts';
import { succeeding } from '../../nodes/succeeding.ts';
import { JSON_TYPE, readLeft, toBytes } from '../code-analysis/tree.ts';
import { addedLines, type ReviewChanges } from './changes.ts';
import { onChangedLines } from './changed-findings.ts';

/** What can only be known of all files: a review has those that were changed. */
const NEEDS_ALL_FILES = new Set(['dead-export', 'unresolved-import']);

/** RunAutomatedChecks: what the rules of the analysis find on changed lines. */
export function runAutomatedChecks({ blobs }: { blobs: Pick<BlobService, 'get'> }): NodeExecutor {
  return (config, context) =>
    succeeding(async () => {
      const { changes_ref } = config as { changes_ref: string };
      const changes = await readLeft<ReviewChanges>(blobs, context.project_id, changes_ref);
      const analyses = await analyse(changes, context.signal);
      const of_tree = analyseTree(analyses.map(({ facts }) => facts));
      const found: Finding[] = allFindings(
        analyses.flatMap(({ findings }) => findings),
        of_tree.filter(({ kind }) => !NEEDS_ALL_FILES.has(kind)),
      );
      const findings = onChangedLines(found, addedLines(changes));
      return {
        findings_ref: await context.keep(toBytes(findings), JSON_TYPE),
        findings: findings.length,
        files: analyses.length,
      };
    });
}

async function analyse({ files }: ReviewChanges, signal: AbortSignal): Promise<FileAnalysis[]> {
  const analyses: FileAnalysis[] = [];
  for (const { path, cas_id, text } of files) {
    signal.throwIfAborted();
    analyses.push(analyseFile({ path, cas_id, text }, FINDING_AREAS));
    // A file takes milliseconds; others of this process have their turn between two.
    await yieldToOthers();
  }
  return analyses;
}
