import { z } from 'zod';
import { anyJson, instant, uuid } from './conventions.ts';

export const hookParams = z.strictObject({ id: uuid });
export const workflowHooksParams = z.strictObject({ ref: z.string().min(1).max(300) });

/** Documents the body, which is read and verified as it came before it is taken for JSON. */
export const deliveryBody = anyJson;

export const deliveredView = z.object({ run_id: z.string() }).meta({ id: 'Delivered' });

export const hookView = z
  .object({
    id: z
      .string()
      .meta({ description: 'Stays the same whatever becomes of the tag, and cannot be guessed.' }),
    name: z.string(),
    path: z.string().meta({ description: 'Where deliveries go, below the server’s root.' }),
    secret_ref: z.string().nullable().meta({ description: 'Null: deliveries need a bearer token.' }),
    is_ready: z
      .boolean()
      .meta({ description: 'False: the secret is not there, so every delivery is refused.' }),
    created_at: instant,
  })
  .meta({ id: 'Hook' });
