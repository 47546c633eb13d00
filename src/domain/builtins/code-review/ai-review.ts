import type { LanguageModel, ModelMessage } from '../../../clients/llm/language-model.ts';
import { AppError } from '../../../contract/errors.ts';
import type { Json } from '../../../contract/json.ts';
import type { BlobService } from '../../blobs.ts';
import type { NodeExecutor } from '../../node-tasks.ts';
import { succeeding } from '../../nodes/succeeding.ts';
import { StepFailure } from '../../step-error.ts';
import { JSON_TYPE, readLeft, toBytes } from '../code-analysis/tree.ts';
import {
  anchorRemarks,
  onShownLines,
  readRemarks,
  type Remark,
  REMARKS_SCHEMA,
  REVIEW_SYSTEM,
} from './ai-remarks.ts';
import type { ReviewChanges } from './changes.ts';
import { chunkDiff, type ChunkLimits, type DiffChunk } from './diff-chunks.ts';

interface Deps {
  blobs: Pick<BlobService, 'get'>;
  model?: LanguageModel;
  limits?: ChunkLimits;
  /** After so long no further chunk is begun. */
  time_ms?: number;
  now?: () => number;
}

interface Asked {
  remarks: Remark[];
  /** Remarks on lines that were not shown as added. */
  dropped: number;
}

interface AskedAll extends Asked {
  answered: number;
  problems: StepFailure[];
  /** Added lines that nobody looked at. */
  lines_left_out: number;
}

/** A model that is away, or refuses everything, is not asked about the rest. */
const GIVES_UP = new Set(['forbidden', 'rate_limited', 'overloaded']);
const TIME_MS = 600_000;
const LIMITS: ChunkLimits = { tokens: 8_000, chunks: 20 };
const MAX_ANSWER_TOKENS = 4_096;
/** An answer that is not as it must be is asked for once more, with what is wrong told. */
const MAX_REPAIRS = 1;

/**
 * RunAIReview: what a language model says of the added lines, chunk by chunk. A chunk without a good answer is a problem that is
 * told; when there is none for any, the step fails.
 */
export function runAIReview(deps: Deps): NodeExecutor {
  const { blobs, model, limits = LIMITS, time_ms = TIME_MS, now = Date.now } = deps;
  return (config, context) =>
    succeeding(async () => {
      if (!model) throw new StepFailure('not_found', 'No language model is configured here.');
      const { changes_ref } = config as { changes_ref: string };
      const { files } = await readLeft<ReviewChanges>(blobs, context.project_id, changes_ref);
      const { chunks, lines_left_out } = chunkDiff(files, limits);
      const all = await askAll(model, chunks, context.signal);
      const { problems } = all;
      if (all.answered === 0 && problems.length > 0) throw problems[0]!;
      const remarks = anchorRemarks(all.remarks, files);
      return {
        engine: model.engine,
        remarks_ref: await context.keep(toBytes(remarks), JSON_TYPE),
        remarks: remarks.length,
        dropped: all.dropped,
        chunks: chunks.length,
        lines_left_out: lines_left_out + all.lines_left_out,
        problems: problems.map(({ message }) => message),
      };
    });

  async function askAll(
    from: LanguageModel,
    chunks: readonly DiffChunk[],
    signal: AbortSignal,
  ): Promise<AskedAll> {
    const all: AskedAll = { remarks: [], dropped: 0, answered: 0, problems: [], lines_left_out: 0 };
    const end_ms = now() + time_ms;
    for (const chunk of chunks) {
      if (now() >= end_ms || all.problems.some(({ code }) => GIVES_UP.has(code))) {
        all.lines_left_out += linesOf(chunk);
        continue;
      }
      const asked = await ask(from, chunk, signal).catch(modelFailure);
      if (asked instanceof StepFailure) {
        all.problems.push(asked);
        all.lines_left_out += linesOf(chunk);
        continue;
      }
      all.remarks.push(...asked.remarks);
      all.dropped += asked.dropped;
      all.answered += 1;
    }
    return all;
  }
}

const linesOf = ({ added }: DiffChunk): number =>
  [...added.values()].reduce((sum, lines) => sum + lines.size, 0);

async function ask(model: LanguageModel, chunk: DiffChunk, signal: AbortSignal): Promise<Asked> {
  const messages: ModelMessage[] = [{ role: 'user', content: JSON.stringify(chunk.parts) }];
  for (let repairs = 0; ; repairs += 1) {
    signal.throwIfAborted();
    const answer = await model.complete({
      system: REVIEW_SYSTEM,
      messages,
      schema: REMARKS_SCHEMA,
      max_tokens: MAX_ANSWER_TOKENS,
      signal,
    });
    const read = readRemarks(answer);
    if ('remarks' in read) {
      const remarks = onShownLines(read.remarks, chunk);
      return { remarks, dropped: read.remarks.length - remarks.length };
    }
    if (repairs >= MAX_REPAIRS)
      throw new StepFailure('answer_invalid', 'The language model gave no answer of the form asked for.');
    messages.push(...repairOf(answer, read.problems));
  }
}

const MAX_QUOTED_CHARS = 20_000;

function repairOf(answer: Json, problems: readonly string[]): ModelMessage[] {
  const told = JSON.stringify({ problems: problems.slice(0, 20) });
  return [
    { role: 'assistant', content: JSON.stringify(answer).slice(0, MAX_QUOTED_CHARS) },
    { role: 'user', content: `That answer has not the form asked for. Answer once more. ${told}` },
  ];
}

/** Trouble with a model is this step's and never the run's; other trouble is thrown on. */
function modelFailure(error: unknown): StepFailure {
  if (error instanceof StepFailure) return error;
  if (error instanceof AppError) return new StepFailure(error.code, error.message, { cause: error });
  throw error;
}
