export interface RetryDelay {
  /** How often it has failed in a row, this time included. */
  failures: number;
  first_ms: number;
  max_ms: number;
  /** From 0 to below 1. */
  random: number;
}

/** How long to wait after a failure: twice as long each time, between half and all of that, so that crowds disperse. */
export function retryDelayMs({ failures, first_ms, max_ms, random }: RetryDelay): number {
  const full = Math.min(max_ms, first_ms * 2 ** Math.min(failures - 1, 50));
  return full / 2 + (full / 2) * random;
}
