import { BANDIT } from './bandit.ts';
import { GITLEAKS } from './gitleaks.ts';
import { LIZARD } from './lizard.ts';
import { RUFF } from './ruff.ts';
import { SEMGREP } from './semgrep.ts';
import type { ExternalTool } from './tool.ts';

/** Programs of others that find what our own rules do not, where they are installed. */
export const EXTERNAL_TOOLS = {
  ruff: RUFF,
  lizard: LIZARD,
  bandit: BANDIT,
  semgrep: SEMGREP,
  gitleaks: GITLEAKS,
} as const satisfies Record<string, ExternalTool>;

export type ExternalToolName = keyof typeof EXTERNAL_TOOLS;
