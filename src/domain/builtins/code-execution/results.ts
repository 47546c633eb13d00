import { createHash } from 'node:crypto';
import type { Json, JsonObject } from '../../../contract/json.ts';
import type { NodeExecutor } from '../../node-tasks.ts';
import type { NodeContext } from '../../nodes/node.ts';
import { succeeding } from '../../nodes/succeeding.ts';

/** What a result shows of an output; the whole of it is a blob. */
const PREVIEW_CHARS = 8_192;

/** What ExecuteCode gives. */
interface Execution extends JsonObject {
  stdout: string;
  stderr: string;
  exit_code: number | null;
  cause: string;
  result: Json;
}

/** Makes the result of a `code_execution` (contract §7): previews of what was printed, with digest and blob of the whole. */
export const processResults: NodeExecutor = (config, context) =>
  succeeding(async () => {
    const { stdout, stderr, ...execution } = config.execution as Execution;
    const { exit_code, cause } = execution;
    return {
      success: cause === 'exited' && exit_code === 0,
      ...execution,
      ...(await printed('stdout', stdout, context)),
      ...(await printed('stderr', stderr, context)),
    };
  });

async function printed(stream: string, text: string, context: NodeContext): Promise<JsonObject> {
  const bytes = Buffer.from(text);
  const is_long = text.length > PREVIEW_CHARS;
  return {
    [stream]: is_long ? text.slice(0, PREVIEW_CHARS) : text,
    [`${stream}_digest`]: `sha256:${createHash('sha256').update(bytes).digest('hex')}`,
    [`${stream}_ref`]: is_long ? await context.keep(bytes, 'text/plain; charset=utf-8') : null,
  };
}
