import { scoreOf } from '../../../analysis/score.ts';
import type { Finding } from '../../../contract/findings.ts';
import type { Json, JsonObject } from '../../../contract/json.ts';
import type { StepError, StepState } from '../../../contract/run.ts';
import type { BlobService } from '../../blobs.ts';
import type { NodeExecutor } from '../../node-tasks.ts';
import { succeeding } from '../../nodes/succeeding.ts';
import { JSON_TYPE, readLeft, toBytes } from '../code-analysis/tree.ts';
import type { AnchoredRemark } from './ai-remarks.ts';
import { commentsOf, countComments } from './comments.ts';
import { summaryMarkdown } from './review-markdown.ts';

interface SummaryConfig {
  fetched: {
    base_commit: string;
    head_commit: string;
    files: number;
    changed_lines: number;
    skipped: Record<string, number>;
    truncated: boolean;
    ai_review: boolean;
  };
  checks: { findings_ref: string; files_timed_out: number };
  ai: AiOutcome;
}

interface AiOutcome {
  state: StepState;
  output: AiOutput | null;
  error: StepError | null;
}

interface AiOutput {
  engine: string;
  remarks_ref: string;
  remarks: number;
  dropped: number;
  lines_left_out: number;
  problems: string[];
}

/** The result has so many comments; the stored list has all. */
const MAX_COMMENTS = 500;

/** GenerateSummary: all comments, the verdict, the score and the summary. The verdict is ours: no error, and everything was read. */
export function generateSummary({ blobs }: { blobs: Pick<BlobService, 'get'> }): NodeExecutor {
  return (config, context) =>
    succeeding(async () => {
      const { fetched, checks, ai } = config as unknown as SummaryConfig;
      const read = <T>(cas_id: string) => readLeft<T>(blobs, context.project_id, cas_id);
      const findings = await read<Finding[]>(checks.findings_ref);
      const remarks = ai.output === null ? [] : await read<AnchoredRemark[]>(ai.output.remarks_ref);
      const comments = commentsOf(findings, remarks);
      const counts = countComments(comments);
      const complete = !fetched.truncated && checks.files_timed_out === 0;
      const approved = counts.error === 0 && complete;
      const { base_commit, head_commit, files, changed_lines, skipped } = fetched;
      const score = scoreOf({ ...counts, lines: changed_lines });
      const told = { approved, score, counts, files, changed_lines, skipped, complete, head_commit };
      const summary = summaryMarkdown({ ...told, comments, ai: sayWhatAiDid(ai) });
      return {
        ...told,
        counts: { ...counts },
        base_commit,
        summary,
        summary_ref: await context.keep(Buffer.from(summary), 'text/markdown; charset=utf-8'),
        comments: comments.slice(0, MAX_COMMENTS) as unknown as Json,
        comments_total: comments.length,
        comments_ref: await context.keep(toBytes(comments), JSON_TYPE),
        ai: aiResult(ai),
      };
    });
}

function aiResult({ state, output, error }: AiOutcome): JsonObject {
  if (output === null) return { used: false, state, error: error?.message ?? null };
  const { engine, remarks, dropped, lines_left_out, problems } = output;
  return { used: true, state, engine, remarks, dropped, lines_left_out, problems, error: null };
}

function sayWhatAiDid({ state, output, error }: AiOutcome): string {
  if (output === null) {
    if (state === 'skipped') return 'No language model was asked: these are findings of rules.';
    return `The language model gave no review: ${error?.message ?? `the step ${state}.`}`;
  }
  const { remarks, lines_left_out, problems } = output;
  return [
    `A language model (${output.engine}) was asked as well; of the comments, ${remarks} are its.`,
    ...(lines_left_out > 0 ? [`It reviewed all but ${lines_left_out} of the changed lines.`] : []),
    ...(problems.length > 0 ? [`What went wrong: ${problems[0]}`] : []),
  ].join(' ');
}
