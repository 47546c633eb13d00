import { AppError, type Problem } from '../../contract/errors.ts';
import type { JsonObject } from '../../contract/json.ts';
import type { PatchOperation } from '../../contract/spec-engine.ts';
import { validateDefinition } from '../rules/definition.ts';
import { type DefinitionDiff, diffDefinitions } from '../rules/diff.ts';
import { applyPatch } from '../rules/json-patch.ts';

/** What a patch would change, and whether that would be a definition; null: there is nothing to compare. */
export interface Judgement {
  diff: DefinitionDiff | null;
  validation: { valid: boolean; problems: readonly Problem[] } | null;
}

/** An engine may write what is no change of this definition at all: that is shown as what is wrong with it. */
export function judged(before: JsonObject, patch: readonly PatchOperation[]): Judgement {
  try {
    const after = applyPatch(before, patch) as JsonObject;
    const problems = validateDefinition(after);
    return { diff: diffDefinitions(before, after), validation: { valid: problems.length === 0, problems } };
  } catch (error) {
    if (!(error instanceof AppError) || error.family === 'internal') throw error;
    const { detail, errors } = error.data;
    const problems = errors ?? [{ path: '', message: detail ?? error.message }];
    return { diff: null, validation: { valid: false, problems } };
  }
}
