import type { Definition } from '../../../contract/definition.ts';
import { CODE_LANGUAGES } from '../../../contract/sandbox.ts';
import type { JsonObject } from '../../../contract/json.ts';
import { builtinNodes } from '../node.ts';

const builtin = builtinNodes({ timeout_seconds: 600, heartbeat_seconds: 60 });

const ON_ITS_AGENT = '${{ steps.SelectAgent.output.task_queue }}';
const text = (maxLength: number): JsonObject => ({ type: 'string', maxLength });
const count: JsonObject = { type: 'integer', minimum: 1 };

const INPUT_SCHEMA: JsonObject = {
  type: 'object',
  required: ['language', 'source'],
  additionalProperties: false,
  properties: {
    language: { enum: [...CODE_LANGUAGES] },
    source: { type: 'string', minLength: 1, maxLength: 1_048_576 },
    module: { enum: ['commonjs', 'esm'] },
    files: {
      type: 'object',
      description: 'By path: text, or the hash of a blob.',
      maxProperties: 1_000,
      propertyNames: { type: 'string', minLength: 1, maxLength: 1_024 },
      additionalProperties: { type: 'string' },
    },
    stdin: {},
    args: { type: 'array', maxItems: 1_000, items: { type: ['string', 'number', 'boolean'] } },
    env: {
      type: 'object',
      maxProperties: 1_000,
      propertyNames: { pattern: '^[A-Za-z_][A-Za-z0-9_]*$', maxLength: 200 },
      additionalProperties: { type: ['string', 'number', 'boolean'] },
    },
    limits: {
      type: 'object',
      additionalProperties: false,
      properties: Object.fromEntries(
        [
          ...['wall_ms', 'cpu_ms', 'memory_bytes', 'processes'],
          ...['file_bytes', 'disk_bytes', 'output_bytes', 'artifact_bytes'],
        ].map((name) => [name, count]),
      ),
    },
    agent: {
      type: 'object',
      description: 'Which agents may carry it out: one, or those that have these labels.',
      additionalProperties: false,
      properties: {
        id: text(200),
        labels: { type: 'object', maxProperties: 50, additionalProperties: text(200) },
      },
    },
  },
};

/** Runs a program in the sandbox of a chosen agent (contract §7). */
export const CODE_EXECUTION: Definition = {
  schema_version: 1,
  name: 'code_execution',
  description: 'Runs a program in the sandbox of a chosen agent.',
  input_schema: INPUT_SCHEMA,
  nodes: {
    SelectAgent: builtin({
      language: '${{ input.language }}',
      wanted: '${{ has(input.agent) ? input.agent : {} }}',
    }),
    PrepareEnvironment: {
      ...builtin({ input: '${{ input }}' }, { queue: ON_ITS_AGENT }),
      needs: ['SelectAgent'],
    },
    ExecuteCode: {
      ...builtin({ input: '${{ input }}' }, { queue: ON_ITS_AGENT }),
      needs: ['PrepareEnvironment'],
    },
    ProcessResults: {
      ...builtin({ execution: '${{ steps.ExecuteCode.output }}' }),
      needs: ['ExecuteCode'],
    },
    CleanupEnvironment: {
      ...builtin({}, { queue: ON_ITS_AGENT, finally: true }),
      needs: ['ProcessResults'],
      if: "${{ always() && steps.SelectAgent.state == 'succeeded' }}",
      continue_on_error: true,
    },
  },
  output: '${{ steps.ProcessResults.output }}',
};
