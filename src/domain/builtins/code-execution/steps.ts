import type { AgentActivity } from '../../../contract/builtins.ts';
import type { JsonObject } from '../../../contract/json.ts';
import type { Sandbox, SandboxRequest } from '../../../contract/sandbox.ts';
import { refusal } from '../../../sandbox/refusal.ts';
import { resolveLimits } from '../../../sandbox/limits.ts';
import { checkRequest } from '../../../sandbox/request.ts';
import type { BlobService } from '../../blobs.ts';
import type { NodeExecutor } from '../../node-tasks.ts';
import { filesOf } from '../../nodes/files.ts';
import type { NodeContext } from '../../nodes/node.ts';
import { runProgram } from '../../nodes/program.ts';
import { succeeding } from '../../nodes/succeeding.ts';
import type { Environments } from './environments.ts';
import { requestOf, type ExecutionInput } from './request.ts';

interface Deps {
  agent_id: string;
  sandbox: Sandbox;
  blobs: Pick<BlobService, 'get'>;
  environments: Environments;
}

/** The steps of `code_execution` that are carried out on an agent. */
export function agentSteps(deps: Deps): Record<AgentActivity, NodeExecutor> {
  const { agent_id, sandbox, blobs, environments } = deps;

  /** Refuses at once what the sandbox would refuse. */
  async function requestFor(config: JsonObject, { project_id }: NodeContext): Promise<SandboxRequest> {
    const input = config.input as unknown as ExecutionInput;
    const refused = refusal(sandbox.report, { language: input.language });
    if (refused) throw refused;
    const request = requestOf(input, await filesOf(blobs, project_id, input.files ?? {}));
    checkRequest(request, resolveLimits(request.limits));
    return request;
  }

  return {
    PrepareEnvironment: (config, context) =>
      succeeding(async () => {
        const request = await requestFor(config, context);
        const facts = await environments.write(context.run_id, request);
        return { agent_id, isolation: sandbox.report.isolation, ...facts };
      }),

    ExecuteCode: (config, context) =>
      succeeding(async () => {
        // Another agent prepared it, which was lost.
        const request = (await environments.read(context.run_id)) ?? (await requestFor(config, context));
        return { agent_id, ...(await runProgram(sandbox, request, context)).output };
      }),

    CleanupEnvironment: (_config, { run_id }) =>
      succeeding(async () => ({ agent_id, removed: await environments.remove(run_id) })),
  };
}
