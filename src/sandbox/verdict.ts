import type { SandboxCause } from '../contract/sandbox.ts';

export interface Verdict {
  /** Names the cause unless there is one already; answers whether this call was the first. */
  claim(cause: SandboxCause, detail?: string): boolean;
  cause(): SandboxCause | null;
  detail(): string | undefined;
}

/** The one cause of a run: several things often go wrong together, and the first that is noticed is the reason. */
export function verdict(): Verdict {
  let first: { cause: SandboxCause; detail: string | undefined } | null = null;
  return {
    claim: (cause, detail) => {
      if (first) return false;
      first = { cause, detail };
      return true;
    },
    cause: () => first?.cause ?? null,
    detail: () => first?.detail,
  };
}
