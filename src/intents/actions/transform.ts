import { isVerbOf } from '../lexicon.ts';
import { RESULT, spansOfPart, type Candidate, type Part } from '../part.ts';

/** What the steps before answered, put together. */
export function recogniseTransform(part: Part): Candidate | undefined {
  if (!isVerbOf('transform', part.verb) || !RESULT.test(part.text) || spansOfPart(part, 'url').length > 0)
    return undefined;
  return {
    action: 'transform',
    confidence: 0.9,
    parameters: {},
    takes_result: part.said.has_result,
    asks: part.said.has_result ? [] : [{ about: 'what', question: 'Which results are to be put together?' }],
  };
}
