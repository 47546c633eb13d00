import { AppError } from '../contract/errors.ts';

/** An artifact as it is. Throws `blob_collected` for one that garbage collection has taken: only its entry is left. */
export function notCollected<T extends { live: boolean | null }>(artifact: T): T {
  if (artifact.live !== false) return artifact;
  throw new AppError('blob_collected', { detail: 'The version this leads to was collected.' });
}
