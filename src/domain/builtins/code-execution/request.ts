import type { Json, JsonObject } from '../../../contract/json.ts';
import type { CodeLanguage, SandboxLimits, SandboxRequest } from '../../../contract/sandbox.ts';
import { textOf } from '../../nodes/program.ts';

/** The input of a `code_execution`, as its schema has let it through. */
export interface ExecutionInput {
  language: CodeLanguage;
  source: string;
  module?: 'commonjs' | 'esm';
  files?: Record<string, string>;
  stdin?: Json;
  args?: Json[];
  env?: JsonObject;
  limits?: SandboxLimits;
}

/** What the sandbox is asked for. */
export function requestOf(input: ExecutionInput, files: Record<string, Uint8Array>): SandboxRequest {
  const { language, source, module, stdin, args = [], env = {}, limits } = input;
  return {
    language,
    source,
    ...(module === undefined ? {} : { module }),
    files,
    args: args.map(textOf),
    env: Object.fromEntries(Object.entries(env).map(([name, value]) => [name, textOf(value)])),
    ...(limits === undefined ? {} : { limits }),
    ...(stdin === undefined || stdin === null ? {} : { stdin: textOf(stdin) }),
  };
}
