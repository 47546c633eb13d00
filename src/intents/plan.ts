import type { Definition, DefinitionNode } from '../contract/definition.ts';
import { AppError } from '../contract/errors.ts';
import type { IntentAnalysis, IntentPlan, IntentRequest, IntentStep } from '../contract/intent.ts';
import { literal } from './literal.ts';
import { guardOf } from './plan-guards.ts';
import { bodyOf, itemsOf } from './plan-nodes.ts';

const MAX_NAME_CHARS = 80;
const MAX_DESCRIPTION_CHARS = 2_000;
const STEP_ID = /^[A-Za-z_][A-Za-z0-9_]{0,63}$/;

/**
 * The definition of what an analysis understood, or the questions it still has. Texts of the request stand in it as
 * data: an expression in them is not evaluated. Throws `validation_failed` for steps that do not hang together.
 */
export function planIntent({ intent }: IntentRequest, analysis: IntentAnalysis): IntentPlan {
  const { steps, questions, schedules } = analysis;
  if (questions.length > 0) return { questions };
  if (steps.length === 0) return { questions: [{ about: 'what', question: 'What is to be done?' }] };
  checkSteps(steps);
  const nodes = steps.map((step): [string, DefinitionNode] => [step.id, nodeOf(step, steps)]);
  const definition: Definition = {
    schema_version: 1,
    name: nameOf(intent),
    description: intent.slice(0, MAX_DESCRIPTION_CHARS),
    nodes: Object.fromEntries(nodes),
    ...(schedules.length === 0 ? {} : { schedules: schedules.map((cron) => ({ cron, time_zone: 'UTC' })) }),
  };
  return { definition };
}

function nodeOf(step: IntentStep, steps: readonly IntentStep[]): DefinitionNode {
  const { id, needs, timeout_seconds, max_attempts, for_each } = step;
  const body = bodyOf(step, steps);
  const limits = {
    ...(max_attempts === undefined ? {} : { retry: { max_attempts } }),
    ...(timeout_seconds === undefined ? {} : { timeout_seconds }),
  };
  const node: DefinitionNode = for_each
    ? { type: 'map', config: { items: itemsOf(step, steps), node: { ...body, ...limits } } }
    : { ...body, ...limits };
  const guard = guardOf(step, steps);
  return {
    ...node,
    ...(needs.length === 0 ? {} : { needs: [...needs] }),
    ...(guard === undefined ? {} : { if: guard }),
    // Whoever looks at a failure must come to look.
    ...(steps.some(({ when }) => when?.step === id) ? { continue_on_error: true } : {}),
  };
}

/** A name that a person can tell from others: the first words, as far as a name may have them. */
function nameOf(intent: string): string {
  const plain = intent
    .replace(/```[^]*/, '')
    .replace(/https?:\/\/(\S+)/gi, '$1')
    // eslint-disable-next-line no-control-regex
    .replace(/[\u0000-\u001f\u007f\s]+/g, ' ')
    .trim();
  const short = plain.length <= MAX_NAME_CHARS ? plain : plain.slice(0, MAX_NAME_CHARS).replace(/ \S*$/, '');
  return (
    [...literal(short)]
      .filter((char) => char.codePointAt(0)! < 0xd800 || char.length > 1 || char.codePointAt(0)! > 0xdfff)
      .join('') || 'intent'
  );
}

/** An analysis may have come from elsewhere. */
function checkSteps(steps: readonly IntentStep[]): void {
  const before = new Set<string>();
  const errors = steps.flatMap((step, i) => {
    const known = [...step.needs, ...step.uses, ...namedBy(step)].every((id) => before.has(id));
    const twice = before.has(step.id);
    before.add(step.id);
    if (!STEP_ID.test(step.id) || step.id in {})
      return [{ path: `/steps/${i}/id`, message: 'is no id of a node' }];
    if (twice) return [{ path: `/steps/${i}/id`, message: 'is there twice' }];
    return known ? [] : [{ path: `/steps/${i}/needs`, message: 'names a step that does not come before' }];
  });
  if (errors.length > 0)
    throw new AppError('validation_failed', { detail: 'The analysis does not hold together.', errors });
}

function namedBy({ when, for_each }: IntentStep): string[] {
  return [when?.step, for_each?.step].filter((id) => id !== undefined);
}
