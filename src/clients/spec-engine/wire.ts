import { z } from 'zod';
import { NODE_TYPES } from '../../contract/definition.ts';
import type { Json, JsonObject } from '../../contract/json.ts';
import {
  ENGINE_STATUSES,
  FRAME_TYPES,
  SPEC_ENGINE_LIMITS as LIMITS,
  THREAD_ID,
  type EngineFrame,
  type EngineHealth,
  type EngineResult,
  type EngineState,
  type PatchOperation,
  type RefineRequest,
} from '../../contract/spec-engine.ts';

/** What PostgreSQL cannot hold must not get into what is stored. */
// eslint-disable-next-line no-control-regex
const UNSTORABLE = /[\u0000\p{Surrogate}]/u;
const storable = (text: string) => !UNSTORABLE.test(text);
const text = z.string().max(LIMITS.message_chars).refine(storable, 'has characters that cannot be stored');
const path = z
  .string()
  .min(1)
  .max(LIMITS.path_chars)
  .refine(storable, 'has characters that cannot be stored');
const fileText = z.string().max(LIMITS.bytes).refine(storable, 'has characters that cannot be stored');
const few = <T>(record: Record<string, T>) => Object.keys(record).length <= LIMITS.files;
/** It came out of a JSON parser, so only its outermost form is in question. */
const json = z.custom<Json>((value) => value !== undefined, 'is required');
const object = z.custom<JsonObject>(
  (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
  'must be an object',
);
const thread_id = z.string().regex(THREAD_ID, 'must have 1 to 128 letters, digits, - and _');
const pointer = z
  .string()
  .max(4_096)
  .regex(/^(?:\/(?:[^~/]|~[01])*)*$/, 'must be a JSON Pointer');
const seq = z.int().min(0).max(Number.MAX_SAFE_INTEGER);

/** Other members of an operation are ignored, as RFC 6902 has it. */
export const patchOperation: z.ZodType<PatchOperation> = z.discriminatedUnion('op', [
  z.object({ op: z.enum(['add', 'replace', 'test']), path: pointer, value: json }),
  z.object({ op: z.literal('remove'), path: pointer }),
  z.object({ op: z.enum(['move', 'copy']), from: pointer, path: pointer }),
]);

export const result: z.ZodType<EngineResult> = z.object({
  patch: z.array(patchOperation).max(LIMITS.operations),
  files: z.record(path, fileText.nullable()).refine(few, `must have at most ${LIMITS.files} files`),
  message: text,
  questions: z.array(text.min(1)).max(LIMITS.questions),
  understood: z.boolean(),
});

const error = z.object({ code: z.string().min(1).max(100), message: text });

export const state: z.ZodType<EngineState> = z
  .object({
    thread_id,
    status: z.enum(ENGINE_STATUSES),
    result: result.optional(),
    error: error.optional(),
    last_seq: seq,
  })
  .refine(
    ({ status, result }) => status !== 'completed' || result !== undefined,
    'a completed thread has a result',
  );

export const frame: z.ZodType<EngineFrame> = z.object({
  seq: seq.min(1),
  type: z.enum(FRAME_TYPES),
  time: z.iso.datetime({ offset: true }),
  data: object,
});

export const health: z.ZodType<EngineHealth> = z.object({
  status: z.literal('ok'),
  engine: z.string().min(1).max(100),
});

/** What an engine is asked. An unknown member is refused: it would be left out without a word. */
export const request: z.ZodType<RefineRequest> = z.strictObject({
  thread_id,
  instructions: z
    .string()
    .min(1)
    .max(LIMITS.instructions_chars)
    .refine(storable, 'has characters that cannot be stored'),
  context: z.strictObject({
    definition: object,
    files: z.record(path, fileText).refine(few, `must have at most ${LIMITS.files} files`).optional(),
    node_types: z.array(z.enum(NODE_TYPES)).max(NODE_TYPES.length).optional(),
    workflows: z
      .array(
        z.strictObject({
          name: z.string().min(1).max(200),
          description: text.optional(),
          examples: z.array(text).max(100).optional(),
        }),
      )
      .max(LIMITS.workflows)
      .optional(),
    messages: z
      .array(z.strictObject({ role: z.enum(['user', 'assistant']), content: text }))
      .max(LIMITS.messages)
      .optional(),
  }),
});
