import { z } from 'zod';
import type { Json } from '../../contract/json.ts';
import { ANSWER, type LanguageModel, type ModelOptions } from './language-model.ts';
import { cutOff, declined, unreadable } from './model-answers.ts';
import { checkOptions, postJson } from './post-json.ts';

const VERSION = '2023-06-01';

const message = z.object({
  stop_reason: z.string().nullish(),
  content: z.array(z.looseObject({ type: z.string() })),
});
const toolUse = z.object({ type: z.literal('tool_use'), name: z.literal(ANSWER.name), input: z.json() });

/** A model behind Anthropic's `/v1/messages`: it must call one tool, whose input is the answer. Throws `validation_failed`. */
export function anthropicModel(options: ModelOptions): LanguageModel {
  checkOptions(options);
  return {
    engine: 'anthropic',
    async complete({ system, messages, schema, max_tokens, signal }) {
      const answer = await postJson(options, {
        path: 'messages',
        headers: { 'x-api-key': options.key, 'anthropic-version': VERSION },
        body: {
          model: options.model,
          max_tokens,
          system,
          messages: messages.map((each) => ({ ...each })),
          tools: [{ ...ANSWER, input_schema: schema }],
          tool_choice: { type: 'tool', name: ANSWER.name },
        },
        signal,
      });
      return inputOf(answer);
    },
  };
}

function inputOf(answer: Json): Json {
  const read = message.safeParse(answer);
  if (!read.success) throw unreadable();
  const { stop_reason, content } = read.data;
  if (stop_reason === 'refusal') throw declined();
  if (stop_reason === 'max_tokens' || stop_reason === 'model_context_window_exceeded') throw cutOff();
  const used = content.map((block) => toolUse.safeParse(block)).find(({ success }) => success);
  if (!used?.data) throw unreadable();
  return used.data.input;
}
