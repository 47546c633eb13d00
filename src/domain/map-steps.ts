import type { LocalActivities, NodeResult, StoredEvaluation } from '../contract/activities.ts';
import type { Json } from '../contract/json.ts';
import type { StepError } from '../contract/run.ts';
import { ExpressionError } from '../language/expression-error.ts';
import { evaluateTemplate } from '../language/expression.ts';
import { templateRoots } from '../language/template.ts';
import type { StepRepository, StepValue } from '../persistence/steps.ts';
import type { BlobService } from './blobs.ts';
import { heldValue, type RunValues } from './values.ts';

/** More items than this belong into several maps, or into a program. */
const ITEMS = 10_000;

interface Deps {
  values: Pick<RunValues, 'storedScope' | 'keep' | 'valueOf'>;
  steps: Pick<StepRepository, 'end' | 'items' | 'keepInput'>;
  blobs: Pick<BlobService, 'put'>;
  /** What the list of outputs may weigh, as one value. */
  output_bytes: number;
}

/** A map's list, and what its items gave, where they are too large or too many for the workflow. */
export function mapSteps({ values, steps, blobs, output_bytes }: Deps) {
  async function listOf({ template, ...request }: StoredEvaluation): Promise<Json[] | StepError> {
    const list = evaluateTemplate(template, await values.storedScope(request, templateRoots(template)));
    if (!Array.isArray(list)) return expressionError('The items of a map must be a list.');
    return list.length <= ITEMS ? list : tooMany(list.length);
  }

  return {
    /** Evaluates the list and keeps it with the map's step. */
    async open(evaluation: StoredEvaluation): ReturnType<LocalActivities['openMap']> {
      const { run, node } = evaluation;
      const list = await listOf(evaluation).catch(asStepError);
      if (!Array.isArray(list)) return { error: list };
      const bytes = Buffer.from(JSON.stringify(list));
      const { cas_id } = await blobs.put(run.project_id, bytes, { media_type: 'application/json' });
      await steps.keepInput(run.id, node, cas_id);
      return { count: list.length };
    },

    /** The outputs in the order of the list, null for an item that gave none; recorded as the map's output, once. */
    async collect(
      { run, node, count }: Parameters<LocalActivities['collectMap']>[0],
      temporal_run_id: string,
    ): Promise<NodeResult> {
      const outputs = await outputsOf(run.project_id, await steps.items(run.id, node), count);
      if (!outputs) return failed(TOO_LARGE);
      const kept = await values.keep(run.project_id, outputs);
      const at = { run_id: run.id, temporal_run_id, node, item: -1, attempt: 1 };
      await steps.end(at, { state: 'succeeded', ...kept, error: null, cause: null });
      return { state: 'succeeded', output: heldValue(kept), error: null };
    },
  };

  /** Undefined when they are too large together. */
  async function outputsOf(
    project_id: string,
    rows: (StepValue & { item: number })[],
    count: number,
  ): Promise<Json[] | undefined> {
    const outputs: Json[] = new Array<Json>(count).fill(null);
    let room = output_bytes;
    for (const row of rows) {
      if (row.state !== 'succeeded') continue;
      const output = await values.valueOf(project_id, row.output ?? null, row.output_ref);
      room -= Buffer.byteLength(JSON.stringify(output));
      if (room < 0) return undefined;
      outputs[row.item] = output;
    }
    return outputs;
  }
}

export type MapSteps = ReturnType<typeof mapSteps>;

const TOO_LARGE = { code: 'payload_too_large', message: 'The outputs of the items are too large together.' };

const expressionError = (message: string): StepError => ({ code: 'expression_error', message });

const tooMany = (count: number) => expressionError(`A map has at most ${ITEMS} items, not ${count}.`);

const failed = (error: StepError): NodeResult => ({ state: 'failed', output: { value: null }, error });

function asStepError(error: unknown): StepError {
  if (error instanceof ExpressionError) return expressionError(error.message);
  throw error;
}
