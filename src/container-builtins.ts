import path from 'node:path';
import { createAgentRepository } from './container-agents.ts';
import type { Base, Store } from './container-store.ts';
import type { Sandbox } from './contract/sandbox.ts';
import { environments } from './domain/builtins/code-execution/environments.ts';
import { processResults } from './domain/builtins/code-execution/results.ts';
import { selectAgent } from './domain/builtins/code-execution/select.ts';
import { agentSteps } from './domain/builtins/code-execution/steps.ts';
import { codeNode } from './domain/nodes/code.ts';

/** The steps of the product's own workflows that need no sandbox. */
export function createBuiltinSteps(base: Base) {
  return {
    SelectAgent: selectAgent({
      agents: createAgentRepository(base),
      random: Math.random,
      patience_ms: base.config.worker.agent_wait_seconds * 1_000,
    }),
    ProcessResults: processResults,
  };
}

const createEnvironments = ({ config }: Pick<Base, 'config'>) =>
  environments(path.join(config.data_dir, 'environments'));

/** What is carried out where programs are. */
export function createAgentSteps(
  base: Base,
  { blobs }: Store,
  { id, sandbox }: { id: string; sandbox: Sandbox },
) {
  const environment = createEnvironments(base);
  return {
    code: codeNode({ sandbox, blobs }),
    ...agentSteps({ agent_id: id, sandbox, blobs, environments: environment }),
  };
}

/** Removes the environments of runs that ended while no agent was here to do it. */
export async function removeOldEnvironments(
  base: Base,
  { run_rows }: Pick<Store, 'run_rows'>,
): Promise<void> {
  const kept = createEnvironments(base);
  for (const run_id of await kept.list()) {
    const run = await run_rows.findAny(run_id);
    if (!run || run.ended_at !== null) await kept.remove(run_id);
  }
}
