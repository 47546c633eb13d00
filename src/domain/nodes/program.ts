import type { Json, JsonObject } from '../../contract/json.ts';
import type { Sandbox, SandboxRequest, SandboxResult } from '../../contract/sandbox.ts';
import type { NodeContext } from './node.ts';

/** How a program ended, as a step's output has it. */
export interface ProgramRun {
  result: SandboxResult;
  output: JsonObject;
}

/** Runs a program with its output in the run's events and its artifacts kept. Only trouble of the sandbox itself is thrown. */
export async function runProgram(
  sandbox: Sandbox,
  request: SandboxRequest,
  context: NodeContext,
): Promise<ProgramRun> {
  const log = inOrder((chunk: { stream: string; text: string }) => context.log(chunk.stream, chunk.text));
  const result = await sandbox.run(request, { signal: context.signal, onOutput: log.push });
  await log.done();
  if (result.cause === 'sandbox_error') throw new Error(result.detail ?? 'The sandbox failed.');
  return { result, output: outputOf(result, await keepArtifacts(result, context)) };
}

function outputOf(result: SandboxResult, artifacts: Json[]): JsonObject {
  const { exit_code, signal, cause, stdout, stderr, truncated, isolation } = result;
  const usage = { ...result.usage };
  const parsed = truncated ? null : parsedOrNull(stdout);
  return { exit_code, signal, cause, result: parsed, stdout, stderr, truncated, artifacts, isolation, usage };
}

async function keepArtifacts(result: SandboxResult, context: NodeContext): Promise<Json[]> {
  const kept = result.artifacts.map(async ({ path, bytes }) => {
    const cas_id = await context.keep(bytes, 'application/octet-stream');
    return { path, cas_id, size_bytes: bytes.length };
  });
  return Promise.all(kept);
}

/** `result` = stdout, when all of it is one JSON value (contract §2). */
function parsedOrNull(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return null;
  }
}

/** What a program is given for a JSON value: text as it is, anything else as JSON. */
export function textOf(value: Json): string {
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
