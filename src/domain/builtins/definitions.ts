import type { BuiltinType } from '../../contract/builtins.ts';
import type { Definition } from '../../contract/definition.ts';
import { CODE_ANALYSIS } from './code-analysis/definition.ts';
import { INTENT_PROCESSING } from './intent-processing/definition.ts';
import { CODE_REVIEW } from './code-review/definition.ts';
import { CODE_EXECUTION } from './code-execution/definition.ts';
import { deploymentDefinition } from './deployment/definition.ts';

/** The workflows of the product's own. A deployment's version depends on its input besides: see `versions`. */
export const BUILTIN_DEFINITIONS: Readonly<Record<BuiltinType, Definition>> = {
  code_analysis: CODE_ANALYSIS,
  code_execution: CODE_EXECUTION,
  code_review: CODE_REVIEW,
  deployment: deploymentDefinition({ kind: 'application', approval: null }),
  intent_processing: INTENT_PROCESSING,
};
