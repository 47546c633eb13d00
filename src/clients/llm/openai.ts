import { z } from 'zod';
import type { Json } from '../../contract/json.ts';
import { ANSWER, type LanguageModel, type ModelOptions } from './language-model.ts';
import { cutOff, declined, unreadable } from './model-answers.ts';
import { checkOptions, postJson } from './post-json.ts';

const completion = z.object({
  choices: z
    .array(
      z.object({
        finish_reason: z.string().nullish(),
        message: z.object({ content: z.string().nullish(), refusal: z.string().nullish() }),
      }),
    )
    .min(1),
});

/** A model behind `/v1/chat/completions`, as OpenAI and many others serve it. Throws `validation_failed` for bad settings. */
export function openAiModel(options: ModelOptions): LanguageModel {
  checkOptions(options);
  return {
    engine: 'openai',
    async complete({ system, messages, schema, max_tokens, signal }) {
      const answer = await postJson(options, {
        path: 'chat/completions',
        headers: { authorization: `Bearer ${options.key}` },
        body: {
          model: options.model,
          messages: [{ role: 'system', content: system }, ...messages.map((message) => ({ ...message }))],
          max_completion_tokens: max_tokens,
          // Not strict: that mode knows no objects with members of any name, which is what nodes are kept in.
          response_format: { type: 'json_schema', json_schema: { name: ANSWER.name, schema } },
        },
        signal,
      });
      return contentOf(answer);
    },
  };
}

function contentOf(answer: Json): Json {
  const read = completion.safeParse(answer);
  const choice = read.data?.choices[0];
  if (!choice) throw unreadable();
  const { content, refusal } = choice.message;
  if (refusal != null || choice.finish_reason === 'content_filter') throw declined();
  if (choice.finish_reason === 'length') throw cutOff();
  try {
    return JSON.parse(content ?? '') as Json;
  } catch {
    throw unreadable();
  }
}
