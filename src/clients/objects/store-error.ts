import { AppError } from '../../contract/errors.ts';

/** Throws what went wrong with a store as `object_store_unavailable`. */
export function storeError(cause: unknown): never {
  throw cause instanceof AppError ? cause : new AppError('object_store_unavailable', { cause });
}
