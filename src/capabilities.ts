import type { Config } from './config.ts';
import { NODE_TYPES } from './contract/definition.ts';
import type { SandboxReport } from './contract/sandbox.ts';
import { VERSION } from './version.ts';

/** What this installation can do, for `/capabilities`. `sandbox` is null where the agents are elsewhere. */
export function capabilitiesOf({ limits }: Config, sandbox: SandboxReport | null) {
  return {
    version: VERSION,
    versions: { node: process.versions.node, schema_version: '1' },
    node_types: [...NODE_TYPES],
    limits: { ...limits },
    sandbox,
  };
}
