import { setImmediate as yieldToOthers } from 'node:timers/promises';
import { allFindings } from '../../../analysis/all-findings.ts';
import { analyseFile } from '../../../analysis/analyse-file.ts';
import { analyseTree } from '../../../analysis/analyse-tree.ts';
import {
  type FileAnalysis,
  type Finding,
  FINDING_AREAS,
  type SourceFile,
} from '../../../contract/findings.ts';
import type { AnalysisRepository } from '../../../persistence/analyses.ts';
import type { BlobService } from '../../blobs.ts';
import type { NodeExecutor } from '../../node-tasks.ts';
import { succeeding } from '../../nodes/succeeding.ts';
import { JSON_TYPE, readLeft, toBytes } from '../code-analysis/tree.ts';
import { addedLines, type ReviewChanges } from './changes.ts';
import { factsOf } from './context-files.ts';
import { onChangedLines } from './changed-findings.ts';

/** What is only known of all files, and of all branches: what nobody imports yet may be what the next one needs. */
const NEEDS_ALL_FILES = new Set(['dead-export', 'unresolved-import']);

interface Deps {
  blobs: Pick<BlobService, 'get'>;
  analyses: Pick<AnalysisRepository, 'find' | 'keep'>;
}

/** RunAutomatedChecks: what the rules of the analysis find on changed lines. */
export function runAutomatedChecks({ blobs, analyses }: Deps): NodeExecutor {
  return (config, context) =>
    succeeding(async () => {
      const { changes_ref, context_ref } = config as { changes_ref: string; context_ref: string };
      const { project_id, signal } = context;
      const changes = await readLeft<ReviewChanges>(blobs, project_id, changes_ref);
      const around = await readLeft<SourceFile[]>(blobs, project_id, context_ref);
      const changed = await analyse(changes, signal);
      const facts = [...changed.map((one) => one.facts), ...(await factsOf(around, analyses, signal))];
      const of_tree = analyseTree(facts);
      const found: Finding[] = allFindings(
        changed.flatMap(({ findings }) => findings),
        of_tree.filter(({ kind }) => !NEEDS_ALL_FILES.has(kind)),
      );
      const findings = onChangedLines(found, addedLines(changes));
      return {
        findings_ref: await context.keep(toBytes(findings), JSON_TYPE),
        findings: findings.length,
        files: changed.length,
        files_around: around.length,
      };
    });
}

async function analyse({ files }: ReviewChanges, signal: AbortSignal): Promise<FileAnalysis[]> {
  const done: FileAnalysis[] = [];
  for (const { path, cas_id, text } of files) {
    signal.throwIfAborted();
    done.push(analyseFile({ path, cas_id, text }, FINDING_AREAS));
    // A file takes milliseconds; others of this process have their turn between two.
    await yieldToOthers();
  }
  return done;
}
