import { unreadFacts } from '../../../analysis/empty-facts.ts';
import { ANALYSER_VERSION, analysisKey, relocate } from '../../../analysis/analysis-key.ts';
import { withoutDoubles } from '../../../analysis/external/without-doubles.ts';
import { skipReasonOf } from '../../../analysis/skip.ts';
import type { AdvisorySource } from '../../../contract/advisory.ts';
import {
  FINDING_AREAS,
  type FileAnalysis,
  type Finding,
  type FindingArea,
  type SourceFile,
} from '../../../contract/findings.ts';
import type { Json, JsonObject } from '../../../contract/json.ts';
import { boundedCache } from '../../../language/bounded-cache.ts';
import type { AnalysisRepository } from '../../../persistence/analyses.ts';
import type { BlobService } from '../../blobs.ts';
import type { NodeExecutor } from '../../node-tasks.ts';
import type { NodeContext } from '../../nodes/node.ts';
import { succeeding } from '../../nodes/succeeding.ts';
import { StepFailure } from '../../step-error.ts';
import type { Analyser } from './analyser.ts';
import { dependencyFlaws } from './dependency-flaws.ts';
import type { ExternalAnalysers, ExternalFindings } from './external.ts';
import { treeKey } from './fetch.ts';
import { JSON_TYPE, readLeft, toBytes, type AreaResult, type FetchedTree } from './tree.ts';

interface Deps {
  blobs: Pick<BlobService, 'get'>;
  analyses: Pick<AnalysisRepository, 'find' | 'keep'>;
  analyser: Analyser;
  external: ExternalAnalysers;
  /** Undefined where none is configured. */
  advisories: AdvisorySource | undefined;
}

/** Files that are looked up, analysed and kept together. */
const BATCH = 50;
/** Steps of one analysis are never further apart than this. */
const FILES_REMEMBERED = 500;

interface Analysed {
  files: FileAnalysis[];
  /** How many an analyser looked at; the others were known. */
  analysed: number;
  skipped: Record<string, number>;
}

/** RunStaticAnalysis, RunSecurityAnalysis and RunPerformanceAnalysis: the rules of one area over a tree. */
export function analyseArea({ blobs, analyses, analyser, external, advisories }: Deps): NodeExecutor {
  const flaws = dependencyFlaws({ blobs, advisories });
  const lately = boundedCache<Promise<FileAnalysis | undefined>>(FILES_REMEMBERED);

  return (config, context) =>
    succeeding(async () => {
      const { area, tree_ref } = config as { area: FindingArea; tree_ref: string };
      const tree = await readLeft<FetchedTree>(blobs, context.project_id, tree_ref);
      const programs = await external.key(area, context.signal);
      const key = `tree:${ANALYSER_VERSION}:${area}:${programs}:${treeKey(tree)}`;
      const known = (await analyses.find([key])).get(key);
      if (known !== undefined) return left(known as unknown as AreaResult, 0);
      const analysed = await analyseFiles(tree, area, context);
      const own = await resultOf(tree, analysed, { area, signal: context.signal });
      const others = await externalFindings(tree, area, context);
      const result = withExternal(own, others);
      // What took too long now, or failed, may not the next time.
      const is_whole = !('timeout' in result.skipped) && others.problems.length === 0;
      if (is_whole) await analyses.keep(new Map([[key, result as unknown as Json]]));
      return left(result, analysed.analysed + others.analysed);

      async function left(found: AreaResult, count: number): Promise<JsonObject> {
        // Asked for each time, behind what is remembered: who knows of flaws learns of more while the files stay the same.
        const all = withFlaws(found, await flaws(area, tree, context));
        const result_ref = await context.keep(toBytes(all), JSON_TYPE);
        const findings = all.of_files.length + all.of_tree.length;
        return { area, result_ref, findings, files: tree.files.length, files_analysed: count };
      }
    });

  function externalFindings(
    { files }: FetchedTree,
    area: FindingArea,
    { project_id, signal }: NodeContext,
  ): Promise<ExternalFindings> {
    const textOf = async ({ cas_id }: { cas_id: string }) =>
      (await blobs.get(project_id, cas_id)).bytes.toString('utf8');
    return external.find(files, { area, textOf, signal });
  }

  /** A file is read once for all areas: their steps go side by side over the same files. */
  async function areaOf(
    file: SourceFile,
    area: FindingArea,
    signal: AbortSignal,
  ): Promise<FileAnalysis | undefined> {
    const key = analysisKey(file, 'static');
    const known = lately.get(key);
    const looking = known ?? analyser.file(file, FINDING_AREAS, signal);
    void lately.set(key, looking);
    // Another step's end is not this one's.
    const analysis = await looking.catch(() =>
      known ? analyser.file(file, FINDING_AREAS, signal) : looking,
    );
    if (!analysis) return undefined;
    const { findings, facts } = relocate(analysis, file.path);
    return { findings: findings.filter((finding) => finding.area === area), facts };
  }

  async function analyseFiles(tree: FetchedTree, area: FindingArea, context: NodeContext): Promise<Analysed> {
    const all: Analysed = { files: [], analysed: 0, skipped: {} };
    for (let from = 0; from < tree.files.length; from += BATCH) {
      context.signal.throwIfAborted();
      await analyseBatch(tree.files.slice(from, from + BATCH), { area, context, all });
    }
    return all;
  }

  async function analyseBatch(
    files: FetchedTree['files'],
    { area, context, all }: { area: FindingArea; context: NodeContext; all: Analysed },
  ): Promise<void> {
    const known = await analyses.find(files.map((file) => analysisKey(file, area)));
    const found = new Map<string, Json>();
    for (const { path, cas_id } of files) {
      const key = analysisKey({ path, cas_id }, area);
      const before = known.get(key) ?? found.get(key);
      if (before !== undefined) {
        all.files.push(relocate(before as unknown as FileAnalysis, path));
        continue;
      }
      const text = (await blobs.get(context.project_id, cas_id)).bytes.toString('utf8');
      const reason = skipReasonOf({ path, text });
      if (reason !== undefined) all.skipped[reason] = (all.skipped[reason] ?? 0) + 1;
      const analysis = await areaOf({ path, cas_id, text }, area, context.signal);
      all.analysed += 1;
      if (analysis) {
        all.files.push(analysis);
        found.set(key, analysis as unknown as Json);
      } else all.skipped.timeout = (all.skipped.timeout ?? 0) + 1;
    }
    if (found.size > 0) await analyses.keep(found);
  }

  async function resultOf(
    { others, is_part }: FetchedTree,
    { files, skipped }: Analysed,
    { area, signal }: { area: FindingArea; signal: AbortSignal },
  ): Promise<AreaResult> {
    const facts = files.map((file) => file.facts);
    // What is there and was not read may have anything that others take from it.
    const of_tree = await analyser.tree([...facts, ...others.map(unreadFacts)], [area], signal);
    if (!of_tree)
      throw new StepFailure('analysis_timeout', 'The files could not be analysed together in time.');
    return {
      of_files: files.flatMap(({ findings }) => findings) as unknown as Json[],
      // Who uses what of a part is not to be seen in the part.
      of_tree: of_tree.filter(({ kind }) => !(is_part && kind === 'dead-export')) as unknown as Json[],
      lines: facts.map(({ lines }) => lines),
      skipped,
    };
  }
}

function withFlaws(
  found: AreaResult,
  { findings, problems }: { findings: Finding[]; problems: string[] },
): AreaResult {
  return {
    ...found,
    of_files: [...found.of_files, ...(findings as unknown as Json[])],
    problems: [...(found.problems ?? []), ...problems],
  };
}

function withExternal(own: AreaResult, { findings, problems }: ExternalFindings): AreaResult {
  const known = [...own.of_files, ...own.of_tree] as unknown as Finding[];
  const others = withoutDoubles(known, findings) as unknown as Json[];
  return { ...own, of_files: [...own.of_files, ...others], problems };
}
