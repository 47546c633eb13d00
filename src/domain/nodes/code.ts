import type { CodeConfig } from '../../contract/definition.ts';
import type { Json, JsonObject } from '../../contract/json.ts';
import type { Sandbox, SandboxRequest } from '../../contract/sandbox.ts';
import type { BlobService } from '../blobs.ts';
import { filesOf } from './files.ts';
import type { NodeContext, NodeOutcome } from './node.ts';
import { runProgram, textOf, type ProgramRun } from './program.ts';

interface Deps {
  sandbox: Sandbox;
  blobs: Pick<BlobService, 'get'>;
}

/**
 * The `code` node: runs a program in the sandbox with the definition's files beside it. A program that fails is a
 * failed step with its output; only trouble of the sandbox itself is thrown or marked as the engine's.
 */
export function codeNode({ sandbox, blobs }: Deps) {
  return async (config: JsonObject, context: NodeContext): Promise<NodeOutcome> => {
    const code = config as unknown as CodeConfig;
    const files = await filesOf(blobs, context.project_id, context.files);
    const request = requestOf(code, files);
    if (!request)
      return failed('config_invalid', `The file ${code.file} is not among the definition's files.`, null);
    return outcomeOf(await runProgram(sandbox, request, context));
  };
}

function requestOf(code: CodeConfig, files: Record<string, Uint8Array>): SandboxRequest | undefined {
  const program = code.file === undefined ? undefined : files[code.file];
  const source = code.source ?? (program && Buffer.from(program).toString('utf8'));
  if (source === undefined) return undefined;
  const { language, module, limits } = code;
  return {
    language,
    source,
    module,
    files,
    limits,
    args: ((code.args ?? []) as Json[]).map(textOf),
    env: Object.fromEntries(
      Object.entries((code.env ?? {}) as JsonObject).map(([name, value]) => [name, textOf(value)]),
    ),
    ...(code.stdin === undefined || code.stdin === null ? {} : { stdin: textOf(code.stdin) }),
  };
}

function outcomeOf({ result, output }: ProgramRun): NodeOutcome {
  const { cause, exit_code } = result;
  if (cause === 'exited' && exit_code === 0) return { state: 'succeeded', output, error: null, cause };
  if (cause === 'exited')
    return { ...failed('non_zero_exit', `The program ended with exit code ${exit_code}.`, output), cause };
  return { ...failed(cause, `The program was ended: ${cause.replaceAll('_', ' ')}.`, output), cause };
}

function failed(code: string, message: string, output: Json): NodeOutcome {
  return { state: 'failed', output, error: { code, message } };
}
