import { AppError } from '../../contract/errors.ts';

/**
 * Whoever asked has sent no `If-Match`: that a tag moved between our looking at it and our writing it is a conflict like any
 * other. Throws `state_conflict` with this detail for it.
 */
export async function orConflict<T>(work: Promise<T>, detail: string): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'stale_if_match') throw error;
    throw new AppError('state_conflict', { detail, cause: error });
  }
}

export const CHANGED_MEANWHILE =
  'The draft, or its workflow, was changed at the same moment: look at it, and ask again.';
