import { allFindings } from '../../../analysis/all-findings.ts';
import { unreadFacts } from '../../../analysis/empty-facts.ts';
import { type FileFacts, type Finding, FINDING_AREAS } from '../../../contract/findings.ts';
import type { BlobService } from '../../blobs.ts';
import type { NodeExecutor } from '../../node-tasks.ts';
import { succeeding } from '../../nodes/succeeding.ts';
import { StepFailure } from '../../step-error.ts';
import type { Analyser } from '../code-analysis/analyser.ts';
import { JSON_TYPE, readLeft, toBytes } from '../code-analysis/tree.ts';
import { onChangedLines } from './changed-findings.ts';
import { addedLines, type ReviewChanges } from './changes.ts';
import { factsOf, type FactsDeps, type ReviewContext } from './context-files.ts';

interface Deps extends FactsDeps {
  blobs: Pick<BlobService, 'get'>;
  analyser: Analyser;
}

interface Checked {
  findings: Finding[];
  facts: FileFacts[];
  timed_out: number;
}

/** RunAutomatedChecks: what the rules of the analysis find on changed lines. */
export function runAutomatedChecks(deps: Deps): NodeExecutor {
  const { blobs, analyser } = deps;

  return (config, context) =>
    succeeding(async () => {
      const { changes_ref, context_ref } = config as { changes_ref: string; context_ref: string };
      const { project_id, signal } = context;
      const changes = await readLeft<ReviewChanges>(blobs, project_id, changes_ref);
      const around = await readLeft<ReviewContext>(blobs, project_id, context_ref);
      const changed = await analyse(changes, signal);
      const known = await factsOf(around.files, deps, signal);
      const facts = [...changed.facts, ...known, ...around.others.map(unreadFacts)];
      const of_tree = await analyser.tree(facts, FINDING_AREAS, signal);
      if (!of_tree)
        throw new StepFailure('analysis_timeout', 'The files could not be analysed together in time.');
      const certain = of_tree.filter(({ kind }) => isCertain(kind, around));
      const findings = onChangedLines(allFindings(changed.findings, certain), addedLines(changes));
      return {
        findings_ref: await context.keep(toBytes(findings), JSON_TYPE),
        findings: findings.length,
        files: changed.facts.length,
        files_timed_out: changed.timed_out,
        files_around: around.files.length,
      };
    });

  async function analyse({ files }: ReviewChanges, signal: AbortSignal): Promise<Checked> {
    const all: Checked = { findings: [], facts: [], timed_out: 0 };
    for (const { path, cas_id, text } of files) {
      const analysis = await analyser.file({ path, cas_id, text }, FINDING_AREAS, signal);
      all.findings.push(...(analysis?.findings ?? []));
      all.facts.push(analysis?.facts ?? unreadFacts(path));
      if (!analysis) all.timed_out += 1;
    }
    return all;
  }
}

/** What nobody imports yet may be what the next branch needs. */
const isCertain = (kind: string, { is_whole }: ReviewContext): boolean =>
  kind !== 'dead-export' && (is_whole || kind !== 'unresolved-import');
