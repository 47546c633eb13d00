import type { Definition } from '../../../contract/definition.ts';
import { FINDING_AREAS, type FindingArea } from '../../../contract/findings.ts';
import type { JsonObject } from '../../../contract/json.ts';
import { builtinNodes } from '../node.ts';

const builtin = builtinNodes({ timeout_seconds: 900, heartbeat_seconds: 120 });

const INPUT_SCHEMA: JsonObject = {
  type: 'object',
  required: ['repository'],
  additionalProperties: false,
  properties: {
    repository: {
      type: 'string',
      minLength: 1,
      maxLength: 2_000,
      description: 'A path below an allowed directory, an https URL, or the hash of a blob that is a tar.',
    },
    ref: { type: 'string', minLength: 1, maxLength: 300 },
    path: { type: 'string', minLength: 1, maxLength: 1_024, description: 'Only what lies below it.' },
    types: { type: 'array', minItems: 1, uniqueItems: true, items: { enum: [...FINDING_AREAS] } },
  },
};

/** One analysis of the tree that was fetched: what goes wrong with it is the report's to tell. */
const analysis = (area: FindingArea) => ({
  ...builtin({ area, tree_ref: '${{ steps.FetchCode.output.tree_ref }}' }),
  needs: ['FetchCode'],
  if: `\${{ !has(input.types) || '${area}' in input.types }}`,
  continue_on_error: true,
});

const outcomeOf = (step: string): JsonObject => ({
  state: `\${{ steps.${step}.state }}`,
  output: `\${{ steps.${step}.output }}`,
  error: `\${{ steps.${step}.error }}`,
});

/** Analyses the code of a repository (contract §7). */
export const CODE_ANALYSIS: Definition = {
  schema_version: 1,
  name: 'code_analysis',
  description: 'Analyses the code of a git repository and reports what it finds.',
  input_schema: INPUT_SCHEMA,
  nodes: {
    FetchCode: builtin({ input: '${{ input }}' }),
    RunStaticAnalysis: analysis('static'),
    RunSecurityAnalysis: analysis('security'),
    RunPerformanceAnalysis: analysis('performance'),
    GenerateReport: {
      ...builtin({
        input: '${{ input }}',
        fetched: '${{ steps.FetchCode.output }}',
        analyses: {
          static: outcomeOf('RunStaticAnalysis'),
          security: outcomeOf('RunSecurityAnalysis'),
          performance: outcomeOf('RunPerformanceAnalysis'),
        },
      }),
      needs: ['RunStaticAnalysis', 'RunSecurityAnalysis', 'RunPerformanceAnalysis'],
      if: "${{ always() && steps.FetchCode.state == 'succeeded' }}",
    },
  },
  output: '${{ steps.GenerateReport.output }}',
};
