import type { Response } from 'express';

/** Aborted when the caller hangs up, so that nobody waits for an answer in vain. */
export function leaving(res: Response): AbortSignal {
  const gone = new AbortController();
  res.once('close', () => gone.abort());
  return gone.signal;
}
