import { z } from 'zod';

/** Both alphabets, as protobuf reads them. */
const base64 = z
  .string()
  .regex(/^[A-Za-z0-9+/_-]*={0,2}$/, 'must be base64')
  .meta({ format: 'byte' });

const payload = z.looseObject({
  metadata: z.record(z.string(), base64).nullish(),
  data: base64.nullish(),
});

/** `temporal.api.common.v1.Payloads` in the JSON of protobuf. */
export const payloadsBody = z.strictObject({ payloads: z.array(payload).default([]) });
export const payloadsView = z.object({ payloads: z.array(payload) });
