import type { Response } from 'express';

/**
 * Aborted when the caller hangs up, so that nobody waits for an answer in vain, and at `shutdown`, so that whoever waits is
 * answered before the process goes.
 */
export function leaving(res: Response, shutdown: AbortSignal): AbortSignal {
  const gone = new AbortController();
  const leave = () => gone.abort();
  res.once('close', () => {
    shutdown.removeEventListener('abort', leave);
    leave();
  });
  if (shutdown.aborted) leave();
  else shutdown.addEventListener('abort', leave, { once: true });
  return gone.signal;
}
