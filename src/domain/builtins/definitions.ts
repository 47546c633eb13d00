import type { BuiltinType } from '../../contract/builtins.ts';
import type { Definition } from '../../contract/definition.ts';
import { CODE_ANALYSIS } from './code-analysis/definition.ts';
import { INTENT_PROCESSING } from './intent-processing/definition.ts';
import { CODE_REVIEW } from './code-review/definition.ts';
import { CODE_EXECUTION } from './code-execution/definition.ts';

/** The workflows of the product's own that are there; the other types answer 501. */
export const BUILTIN_DEFINITIONS: Readonly<Partial<Record<BuiltinType, Definition>>> = {
  code_analysis: CODE_ANALYSIS,
  code_execution: CODE_EXECUTION,
  code_review: CODE_REVIEW,
  intent_processing: INTENT_PROCESSING,
};

export const isBuiltinThere = (type: BuiltinType): boolean => type in BUILTIN_DEFINITIONS;
