import type { Definition } from '../../contract/definition.ts';
import { AppError } from '../../contract/errors.ts';
import type { SandboxReport } from '../../contract/sandbox.ts';
import { refusal } from '../../sandbox/refusal.ts';

/**
 * Refuses a definition whose programs nothing here can run, when it is submitted rather than in the middle of its run
 * (4-sandbox). Throws `sandbox_unavailable` with node, reason and remedy. Without a report, agents elsewhere may do it.
 */
export function requireSandboxFor(definition: Definition, report: SandboxReport | null): void {
  if (report === null) return;
  for (const [id, node] of Object.entries(definition.nodes)) {
    const refused = node.type === 'code' ? refusal(report, { language: node.config.language }) : undefined;
    if (refused) throw new AppError('sandbox_unavailable', { detail: `Node ${id}: ${refused.message}` });
  }
}
