import type { Definition } from '../../contract/definition.ts';
import { AppError } from '../../contract/errors.ts';
import type { SandboxReport } from '../../contract/sandbox.ts';

/**
 * Refuses a definition whose programs nothing here can run, when it is submitted rather than in the middle of its run
 * (4-sandbox). Throws `sandbox_unavailable` with the reason and the remedy. Without a report, agents elsewhere may do it.
 */
export function requireSandboxFor(definition: Definition, report: SandboxReport | null): void {
  if (report === null) return;
  for (const [id, node] of Object.entries(definition.nodes)) {
    if (node.type !== 'code') continue;
    const { language } = node.config;
    if (!report.available)
      throw unavailable(`No sandbox works on this host. ${report.reason ?? ''} ${report.remedy ?? ''}`);
    const found = report.languages.find((entry) => entry.language === language);
    if (!found?.available)
      throw unavailable(`Node ${id}: ${language} cannot run here. ${found?.reason ?? ''}`);
  }
}

function unavailable(detail: string): AppError {
  return new AppError('sandbox_unavailable', { detail: detail.trim() });
}
