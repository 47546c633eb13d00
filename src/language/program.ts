import type { Context } from '@marcbachmann/cel-js';

import { boundedCache } from './bounded-cache.ts';
import { environment } from './environment.ts';
import { LanguageFault } from './expression-error.ts';
import { asExpressionError } from './faults.ts';
import { instrument } from './instrument.ts';
import { EXPRESSION_LIMITS } from './limits.ts';
import { loosen } from './loosen.ts';
import type { Node } from './node.ts';
import { readsOf } from './roots.ts';
import type { Reads } from './roots.ts';

/** A parsed and checked expression. */
export interface Program {
  reads: Reads;
  evaluate: (context: Context) => unknown;
}

const programs = boundedCache<Program>(EXPRESSION_LIMITS.cached_programs);

/**
 * The program of a CEL source (without `${{ }}`), parsed at its first use and kept as long as it is in use.
 * Throws `ExpressionError` for what does not parse, does not type-check or is above a limit.
 */
export function programOf(source: string): Program {
  return programs.get(source) ?? programs.set(source, compile(source));
}

function compile(source: string): Program {
  try {
    if (source.length > EXPRESSION_LIMITS.source_chars) {
      throw new LanguageFault(`the expression is longer than ${EXPRESSION_LIMITS.source_chars} characters`);
    }
    const parsed = environment.parse(source);
    const root = parsed.ast as unknown as Node;
    const reads = readsOf(root);
    loosen(root);
    const checked = parsed.check();
    if (!checked.valid) throw checked.error ?? new LanguageFault('the expression is not valid');
    return { reads, evaluate: instrumentedLater(root, parsed) };
  } catch (error) {
    throw asExpressionError(source, error);
  }
}

/** Most programs of a definition that is only validated are never evaluated. */
function instrumentedLater(root: Node, parsed: Program['evaluate']): Program['evaluate'] {
  let ready = false;
  return (context) => {
    if (!ready) instrument(root);
    ready = true;
    return parsed(context);
  };
}
