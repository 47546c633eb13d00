import type { CodeConfig } from '../../contract/definition.ts';
import type { Json, JsonObject } from '../../contract/json.ts';
import type { Sandbox, SandboxRequest, SandboxResult } from '../../contract/sandbox.ts';
import type { BlobService } from '../blobs.ts';
import type { NodeContext, NodeOutcome } from './node.ts';

interface Deps {
  sandbox: Sandbox;
  blobs: Pick<BlobService, 'get'>;
}

const HASH = /^sha256:[0-9a-f]{64}$/;

/**
 * The `code` node: runs a program in the sandbox with the definition's files beside it. A program that fails is a
 * failed step with its output; only trouble of the sandbox itself is thrown or marked as the engine's.
 */
export function codeNode({ sandbox, blobs }: Deps) {
  /** The definition's files by path: a hash names a blob, other text stands for itself, other JSON as JSON text. */
  async function filesOf(context: NodeContext): Promise<Record<string, Uint8Array>> {
    const entries = Object.entries(context.files).map(async ([path, value]) => {
      const isBlob = typeof value === 'string' && HASH.test(value);
      const bytes = isBlob ? (await blobs.get(context.project_id, value)).bytes : Buffer.from(textOf(value));
      return [path, new Uint8Array(bytes)] as const;
    });
    return Object.fromEntries(await Promise.all(entries));
  }

  return async (config: JsonObject, context: NodeContext): Promise<NodeOutcome> => {
    const code = config as unknown as CodeConfig;
    const files = await filesOf(context);
    const request = requestOf(code, files);
    if (!request)
      return failed('config_invalid', `The file ${code.file} is not among the definition's files.`, null);
    const log = inOrder((chunk: { stream: string; text: string }) => context.log(chunk.stream, chunk.text));
    const result = await sandbox.run(request, { signal: context.signal, onOutput: log.push });
    await log.done();
    if (result.cause === 'sandbox_error') throw new Error(result.detail ?? 'The sandbox failed.');
    return outcomeOf(result, await keepArtifacts(result, context));
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

async function keepArtifacts(result: SandboxResult, context: NodeContext): Promise<Json[]> {
  const kept = result.artifacts.map(async ({ path, bytes }) => {
    const cas_id = await context.keep(bytes, 'application/octet-stream');
    return { path, cas_id, size_bytes: bytes.length };
  });
  return Promise.all(kept);
}

function outcomeOf(result: SandboxResult, artifacts: Json[]): NodeOutcome {
  const { exit_code, signal, cause, stdout, stderr, truncated, isolation } = result;
  const usage = { ...result.usage };
  const parsed = truncated ? null : parsedOrNull(stdout);
  const output: JsonObject = {
    exit_code,
    signal,
    cause,
    result: parsed,
    stdout,
    stderr,
    truncated,
    artifacts,
    isolation,
    usage,
  };
  if (cause === 'exited' && exit_code === 0) return { state: 'succeeded', output, error: null, cause };
  if (cause === 'exited')
    return { ...failed('non_zero_exit', `The program ended with exit code ${exit_code}.`, output), cause };
  return { ...failed(cause, `The program was ended: ${cause.replaceAll('_', ' ')}.`, output), cause };
}

function failed(code: string, message: string, output: Json): NodeOutcome {
  return { state: 'failed', output, error: { code, message } };
}

/** `result` = stdout, when all of it is one JSON value (contract §2). */
function parsedOrNull(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return null;
  }
}

function textOf(value: Json): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** Calls `write` for one item after the other; output is written in the order it came. */
function inOrder<T>(write: (item: T) => Promise<void>) {
  let last: Promise<void> = Promise.resolve();
  return {
    push: (item: T) => {
      // A line of output that could not be written must not fail the step: the end of it still tells all.
      last = last.then(() => write(item)).catch(() => undefined);
    },
    done: () => last,
  };
}
