import { z } from 'zod';
import { NODE_TYPES, type Definition } from '../../contract/definition.ts';
import {
  INTENT_ACTIONS,
  INTENT_LIMITS,
  QUESTION_SUBJECTS,
  RISK_KINDS,
  type IntentAnalysis,
  type IntentQuestion,
  type IntentRequest,
} from '../../contract/intent.ts';

const text = z.string().max(20_000);
const name = z.string().min(1).max(200);
const id = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,63}$/);
const ids = z.array(id).max(INTENT_LIMITS.steps);
const object = z.record(z.string(), z.json());
const confidence = z.number().min(0).max(1);

const question = z.object({ about: z.enum(QUESTION_SUBJECTS), question: text.min(1), step: id.optional() });
export const questions: z.ZodType<IntentQuestion[]> = z.array(question).max(100);

const step = z.object({
  id,
  action: z.enum(INTENT_ACTIONS),
  text,
  confidence,
  needs: ids,
  uses: ids,
  parameters: object,
  when: z
    .object({
      step: id,
      test: z.enum(['failed', 'status', 'exit_code', 'score']),
      operator: z.enum(['==', '<', '<=', '>', '>=']).optional(),
      value: z.number().optional(),
      negated: z.boolean(),
    })
    .optional(),
  regardless: z.boolean().optional(),
  for_each: z
    .object({
      into: z.array(name).min(1).max(8),
      items: z.array(z.json()).max(INTENT_LIMITS.items).optional(),
      step: id.optional(),
    })
    .optional(),
  max_attempts: z.int().min(1).max(1_000).optional(),
  timeout_seconds: z.number().positive().max(31_536_000).optional(),
});

/** What an engine that is not ours may call an analysis. Members that are not known are dropped. */
export const analysis: z.ZodType<IntentAnalysis> = z.object({
  kind: z.enum([...INTENT_ACTIONS, 'composite', 'unknown']),
  confidence,
  entities: object,
  parameters: z.record(z.string(), object),
  risks: z.array(z.object({ kind: z.enum(RISK_KINDS), message: text, step: id.optional() })).max(500),
  steps: z.array(step).max(INTENT_LIMITS.steps * 4),
  schedules: z.array(z.string().max(200)).max(100),
  needs_clarification: z.boolean(),
  questions,
  engine: z.enum(['rules', 'openai', 'anthropic']),
  explanation: text.max(200_000),
});

export const request: z.ZodType<IntentRequest> = z.object({
  intent: z.string().max(INTENT_LIMITS.chars),
  context: object.optional(),
  catalogue: z.object({
    workflows: z
      .array(z.object({ name, description: text.optional(), examples: z.array(text).max(100).optional() }))
      .max(INTENT_LIMITS.workflows),
    types: z.array(name).max(100),
    node_types: z.array(z.enum(NODE_TYPES)).max(100),
  }),
});

/**
 * The outline of a definition: enough to handle it safely. Whether it is valid is for the definition's own validation, which
 * names every problem.
 */
export const outline: z.ZodType<Definition> = z.looseObject({
  schema_version: z.literal(1),
  name,
  nodes: z.record(z.string().min(1).max(64), z.looseObject({ type: z.enum(NODE_TYPES), config: object })),
}) as unknown as z.ZodType<Definition>;
