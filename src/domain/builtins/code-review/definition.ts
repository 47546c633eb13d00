import type { Definition } from '../../../contract/definition.ts';
import type { JsonObject } from '../../../contract/json.ts';
import { builtinNodes } from '../node.ts';

const builtin = builtinNodes({ timeout_seconds: 1_200, heartbeat_seconds: 180 });

const ref = (description: string): JsonObject => ({
  type: 'string',
  minLength: 1,
  maxLength: 300,
  description,
});

const INPUT_SCHEMA: JsonObject = {
  type: 'object',
  required: ['repository'],
  anyOf: [{ required: ['head'] }, { required: ['pull_request'] }],
  if: { required: ['post_comments'], properties: { post_comments: { const: true } } },
  then: { required: ['pull_request'] },
  additionalProperties: false,
  properties: {
    repository: {
      type: 'string',
      minLength: 1,
      maxLength: 2_000,
      description: 'A path below an allowed directory, or an https URL.',
    },
    base: ref(
      'What the changes are compared with; without it that of the pull request, or the default branch.',
    ),
    head: ref('Branch, tag or commit to review; without it that of the pull request.'),
    pull_request: { type: 'integer', minimum: 1, maximum: Number.MAX_SAFE_INTEGER },
    post_comments: { type: 'boolean', description: 'Whether the pull request is told.' },
    ai_review: { type: 'boolean', description: 'False keeps the changes from the language model.' },
  },
};

const CHANGES = '${{ steps.FetchChanges.output.changes_ref }}';
const REVIEW = 'steps.GenerateSummary.output';
const WAS_TOLD = "steps.PostComments.state == 'succeeded'";

/** Reviews what changed in a repository (contract §7). */
export const CODE_REVIEW: Definition = {
  schema_version: 1,
  name: 'code_review',
  description: 'Reviews the changes of a branch, a range of commits or a pull request.',
  input_schema: INPUT_SCHEMA,
  nodes: {
    FetchChanges: builtin({ input: '${{ input }}' }),
    RunAutomatedChecks: {
      ...builtin({ changes_ref: CHANGES, context_ref: '${{ steps.FetchChanges.output.context_ref }}' }),
      needs: ['FetchChanges'],
    },
    // What goes wrong with it is the summary's to tell.
    RunAIReview: {
      ...builtin({ changes_ref: CHANGES }),
      needs: ['RunAutomatedChecks'],
      if: '${{ steps.FetchChanges.output.ai_review }}',
      continue_on_error: true,
    },
    GenerateSummary: {
      ...builtin({
        fetched: '${{ steps.FetchChanges.output }}',
        checks: '${{ steps.RunAutomatedChecks.output }}',
        ai: {
          state: '${{ steps.RunAIReview.state }}',
          output: '${{ steps.RunAIReview.output }}',
          error: '${{ steps.RunAIReview.error }}',
        },
      }),
      needs: ['RunAIReview'],
      if: "${{ always() && steps.RunAutomatedChecks.state == 'succeeded' }}",
    },
    PostComments: {
      ...builtin({
        input: '${{ input }}',
        head_commit: `\${{ ${REVIEW}.head_commit }}`,
        changes_ref: CHANGES,
        comments_ref: `\${{ ${REVIEW}.comments_ref }}`,
        summary: `\${{ ${REVIEW}.summary }}`,
      }),
      needs: ['GenerateSummary'],
      continue_on_error: true,
    },
  },
  output: {
    ...Object.fromEntries(
      [
        ...['approved', 'score', 'summary', 'comments', 'comments_total', 'counts', 'complete', 'ai'],
        ...['base_commit', 'head_commit', 'files', 'changed_lines', 'skipped', 'summary_ref', 'comments_ref'],
      ].map((name) => [name, `\${{ ${REVIEW}.${name} }}`]),
    ),
    posted: `\${{ ${WAS_TOLD} ? steps.PostComments.output.posted : [] }}`,
    posting_error: `\${{ ${WAS_TOLD} ? steps.PostComments.output.posting_error : steps.PostComments.error.message }}`,
  },
};
