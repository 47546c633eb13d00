import { z } from 'zod';
import { instant, pageQuery, uuid } from './conventions.ts';

const MAX_VALUE_BYTES = 65_536;

export const secretsParams = z.strictObject({ id: uuid });
/** What is no name is the name of nothing. */
export const secretParams = z.strictObject({ id: uuid, name: z.string() });
export const newSecretParams = z.strictObject({
  id: uuid,
  name: z
    .string()
    .regex(
      /^[A-Za-z_][A-Za-z0-9_.-]{0,127}$/,
      'has 1–128 letters, digits, "_", "." and "-", a letter or "_" first',
    ),
});

export const listSecretsQuery = z.strictObject(pageQuery);

export const secretBody = z.strictObject({
  value: z
    .string()
    .min(1)
    .refine((text) => Buffer.byteLength(text) <= MAX_VALUE_BYTES, 'must have at most 64 KiB')
    .refine((text) => !/[\0\ud800-\udfff]/u.test(text), 'must be text without a NUL')
    .meta({
      description:
        'Is in no answer and in no log. One shorter than four characters is not masked in outputs.',
    }),
});

const fields = {
  name: z.string(),
  version: z.int().meta({ description: 'Counts on when a secret is deleted and made anew.' }),
  created_by: z.string(),
  created_at: instant,
};

export const secretView = z.object(fields).meta({ id: 'Secret' });

export const secretDetails = z
  .object({
    ...fields,
    versions: z
      .array(
        z.object({
          version: z.int(),
          created_by: z.string(),
          created_at: instant,
          deleted_by: z.string().nullable(),
          deleted_at: instant.nullable(),
        }),
      )
      .meta({ description: 'The newest first, at most 100.' }),
  })
  .meta({ id: 'SecretDetails' });

export const secretVersionHeader = {
  ETag: 'The version of the secret, in quotes; send it back as `If-Match`.',
};
