import type { Json } from '../contract/json.ts';
import type { NodeOutcome } from './nodes/node.ts';
import type { Masker } from './rules/masking.ts';

/** Stands where the middle of a program's output was (`output-capture`). */
const LEFT_OUT = /(\n\[\.\.\. \d{1,15} bytes left out \.\.\.\]\n)/;

/** How the step ended, without the secrets in it. */
export function maskedOutcome(masker: Masker, outcome: NodeOutcome): NodeOutcome {
  const { output, error } = outcome;
  const mask = isTruncated(output) ? (text: string) => maskedEnds(masker, text) : undefined;
  return {
    ...outcome,
    output: masker.json(output, mask),
    error: error && { ...error, message: masker.text(error.message) },
  };
}

const isTruncated = (output: Json): boolean =>
  typeof output === 'object' && output !== null && !Array.isArray(output) && output.truncated === true;

/** A secret may have been cut in two where the middle was left out: every other part is such a mark. */
function maskedEnds(masker: Masker, text: string): string {
  const parts = text.split(LEFT_OUT);
  const last = parts.length - 1;
  const masked = parts.map((part, i) => {
    if (i % 2 === 1) return part;
    const { shown, rest } = i === 0 ? { shown: '', rest: part } : masker.afterLoss(part);
    return shown + masker.text(rest, i < last);
  });
  return masked.join('');
}
