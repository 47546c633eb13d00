import type { z } from 'zod';

interface StoreSettings {
  object_store: string;
  s3_bucket?: string;
  s3_access_key_id?: string;
  s3_secret_access_key?: unknown;
}

/** Refuses an object store that lacks what it cannot do without. */
export function refuseHalfAStore(store: StoreSettings, context: z.core.$RefinementCtx): void {
  const refuse = (name: keyof StoreSettings, message: string) =>
    context.addIssue({ code: 'custom', path: [name], message, input: store });
  if (store.object_store === 's3' && store.s3_bucket === undefined)
    refuse('s3_bucket', 'is needed by the object store s3');
  if (store.s3_access_key_id === undefined && store.s3_secret_access_key !== undefined)
    refuse('s3_access_key_id', 'must come with s3_secret_access_key');
  if (store.s3_access_key_id !== undefined && store.s3_secret_access_key === undefined)
    refuse('s3_secret_access_key', 'must come with s3_access_key_id');
}
