import { allFindings } from '../../../analysis/all-findings.ts';
import { toHtml } from '../../../analysis/report/html.ts';
import { toMarkdown } from '../../../analysis/report/markdown.ts';
import type { ReportContent } from '../../../analysis/report/report-content.ts';
import { toSarif } from '../../../analysis/report/sarif.ts';
import { countFindings, scoreOf } from '../../../analysis/score.ts';
import { trendsOf } from '../../../analysis/trends.ts';
import { AppError } from '../../../contract/errors.ts';
import { FINDING_AREAS, type Finding, type FindingArea } from '../../../contract/findings.ts';
import type { Json, JsonObject } from '../../../contract/json.ts';
import type { StepError, StepState } from '../../../contract/run.ts';
import type { AnalysisRepository, AnalysisReport } from '../../../persistence/analyses.ts';
import type { BlobService } from '../../blobs.ts';
import type { NodeExecutor } from '../../node-tasks.ts';
import type { NodeContext } from '../../nodes/node.ts';
import { succeeding } from '../../nodes/succeeding.ts';
import { JSON_TYPE, readLeft, toBytes, type AreaResult } from './tree.ts';

interface Deps {
  blobs: Pick<BlobService, 'get'>;
  analyses: Pick<AnalysisRepository, 'last' | 'record'>;
}

interface ReportConfig {
  input: { repository: string; ref?: string; path?: string };
  fetched: { commit: string; skipped: Record<string, number>; files: number };
  analyses: Record<FindingArea, AnalysisOutcome>;
}

interface AnalysisOutcome {
  state: StepState;
  output: { result_ref: string; files_analysed: number } | null;
  error: StepError | null;
}

/** GenerateReport: findings of all areas as one, their score and trend, and the report in every form (contract §7). */
export function generateReport({ blobs, analyses }: Deps): NodeExecutor {
  return (config, context) =>
    succeeding(async () => {
      const { input, fetched, analyses: outcomes } = config as unknown as ReportConfig;
      const { areas, problems, files_analysed } = await readAreas(outcomes, context);
      if (areas.length === 0)
        throw new AppError('validation_failed', {
          detail: `No analysis ended well: ${problems.map(({ message }) => message).join(' ')}`,
        });
      const findings = allFindings(
        areas.flatMap(({ of_files }) => of_files as unknown as Finding[]),
        areas.flatMap(({ of_tree }) => of_tree as unknown as Finding[]),
      );
      const lines = areas[0]!.lines.map((count) => ({ lines: count }));
      const counts = countFindings(findings, lines, { ...fetched.skipped, ...areas[0]!.skipped });
      const score = scoreOf(counts);
      const subject = [input.repository, input.ref ?? '', input.path ?? ''].join('\n');
      const before = await readBefore(subject, context);
      const trends = trendsOf(findings, before?.findings);
      const content: ReportContent = {
        title: titleOf(input),
        revision: fetched.commit,
        score,
        previous_score: before?.report.score,
        counts,
        trends,
        problems,
      };
      const refs = await keepReports(content, findings, { before: before?.findings, context });
      const { run_id, project_id } = context;
      const { findings_ref } = refs;
      await analyses.record({ run_id, project_id, subject, revision: fetched.commit, score, findings_ref });
      return {
        status: problems.length === 0 ? 'completed' : 'completed_with_errors',
        commit: fetched.commit,
        score,
        counts: counts as unknown as Json,
        trends: {
          new: trends.new.length,
          fixed: trends.fixed.length,
          unchanged: trends.unchanged.length,
          previous_score: before?.report.score ?? null,
        },
        ...refs,
        files_analysed,
        problems: problems as unknown as Json[],
      };
    });

  async function readAreas(outcomes: ReportConfig['analyses'], { project_id }: NodeContext) {
    const areas: AreaResult[] = [];
    const problems: { area: FindingArea; message: string }[] = [];
    let files_analysed = 0;
    for (const area of FINDING_AREAS) {
      const { state, output, error } = outcomes[area];
      if (state === 'succeeded' && output) {
        const result = await readLeft<AreaResult>(blobs, project_id, output.result_ref);
        areas.push(result);
        problems.push(...(result.problems ?? []).map((message) => ({ area, message })));
        files_analysed += output.files_analysed;
      } else if (state !== 'skipped') {
        problems.push({ area, message: error?.message ?? `The analysis ${state}.` });
      }
    }
    return { areas, problems, files_analysed };
  }

  /** Findings that were collected are as good as none. */
  async function readBefore(
    subject: string,
    { project_id, run_id }: NodeContext,
  ): Promise<{ report: AnalysisReport; findings: Finding[] } | undefined> {
    const report = await analyses.last({ project_id, subject, run_id });
    if (!report) return undefined;
    try {
      return { report, findings: await readLeft<Finding[]>(blobs, project_id, report.findings_ref) };
    } catch (error) {
      if (error instanceof AppError && ['blob_collected', 'not_found'].includes(error.code)) return undefined;
      throw error;
    }
  }
}

/** A path of the machine is not shown to whoever reads a report; its last part is. */
function titleOf({ repository, path }: ReportConfig['input']): string {
  const name = repository.replace(/\/+$/, '').split('/').at(-1) ?? repository;
  return path === undefined ? name : `${name}, ${path}`;
}

async function keepReports(
  content: ReportContent,
  findings: Finding[],
  { before, context }: { before?: Finding[]; context: NodeContext },
): Promise<JsonObject & { findings_ref: string }> {
  const known_fingerprints = before && new Set(before.map(({ fingerprint }) => fingerprint));
  const sarif = toSarif(findings, { revision: content.revision, known_fingerprints });
  return {
    findings_ref: await context.keep(toBytes(findings), JSON_TYPE),
    sarif_ref: await context.keep(toBytes(sarif), 'application/sarif+json'),
    report_ref: await context.keep(Buffer.from(toHtml(content)), 'text/html; charset=utf-8'),
    report_markdown_ref: await context.keep(Buffer.from(toMarkdown(content)), 'text/markdown; charset=utf-8'),
  };
}
