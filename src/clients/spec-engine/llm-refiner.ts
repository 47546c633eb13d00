import { AppError } from '../../contract/errors.ts';
import type { DefinitionTools, Refiner } from '../../contract/spec-engine.ts';
import type { LanguageModel, ModelMessage } from '../llm/language-model.ts';
import { checkAnswer } from './llm-answer.ts';
import { ANSWER_SCHEMA, documentOf, repairOf, SYSTEM } from './llm-prompt.ts';

const MAX_REPAIRS = 2;

/**
 * A Spec Engine that asks a language model. Its answers are checked, and it is told of problems at most twice; what cannot be used then
 * rejects with `definition_invalid`, and is never answered.
 */
export function llmRefiner(model: LanguageModel, tools: DefinitionTools, max_tokens = 8_192): Refiner {
  return {
    engine: model.engine,
    async refine(request, { signal, onProgress }) {
      const messages: ModelMessage[] = [{ role: 'user', content: documentOf(request) }];
      for (let repairs = 0; ; repairs++) {
        onProgress(
          repairs === 0 ? 'The language model is asked.' : 'The language model is told what cannot be used.',
        );
        const asked = { system: SYSTEM, messages: [...messages], schema: ANSWER_SCHEMA, max_tokens, signal };
        const answer = await model.complete(asked);
        const checked = checkAnswer(answer, request, tools);
        if ('result' in checked) return checked.result;
        if (repairs === MAX_REPAIRS) {
          const detail = `The language model gave no usable change, though it was told of its problems ${MAX_REPAIRS} times.`;
          throw new AppError('definition_invalid', { detail, errors: checked.problems });
        }
        const is_deep = checked.problems.some(({ message }) => message === 'is nested too deep');
        messages.push({ role: 'assistant', content: is_deep ? '{}' : JSON.stringify(answer) });
        messages.push({ role: 'user', content: repairOf(checked.problems) });
      }
    },
  };
}
