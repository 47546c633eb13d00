import { EvaluationError, ParseError, TypeError as CelTypeError } from '@marcbachmann/cel-js';

import { ExpressionError, LanguageFault } from './expression-error.ts';

/** A message may quote a value. */
const MAX_MESSAGE_CHARS = 500;

/** Whatever went wrong with an expression, in words for its author: no stack, no internals of the engine. */
export function asExpressionError(source: string, error: unknown): ExpressionError {
  return error instanceof ExpressionError
    ? error
    : new ExpressionError(source, messageOf(error).slice(0, MAX_MESSAGE_CHARS));
}

function messageOf(error: unknown): string {
  if (error instanceof LanguageFault) return error.message;
  // The parser is recursive; its limit on nesting leaves out unary operators.
  if (error instanceof RangeError) return 'the expression is nested too deep';
  if (error instanceof ParseError || error instanceof CelTypeError || error instanceof EvaluationError) {
    const at = error.range === undefined ? '' : ` (at character ${error.range.start + 1})`;
    return `${error.summary}${at}`;
  }
  return 'the expression could not be evaluated';
}
