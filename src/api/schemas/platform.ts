import { z } from 'zod';

export const health = z.object({ status: z.literal('ok'), version: z.string() }).meta({ id: 'Health' });

export const readiness = z
  .object({
    status: z.enum(['ready', 'unavailable']),
    checks: z.record(z.string(), z.enum(['ok', 'failed', 'timeout'])),
  })
  .meta({ id: 'Readiness' });

const language = z.object({
  language: z.string(),
  available: z.boolean(),
  version: z.string().optional(),
  reason: z.string().optional(),
});

export const capabilities = z
  .looseObject({
    version: z.string(),
    versions: z.record(z.string(), z.string()),
    node_types: z.array(z.string()),
    limits: z.record(z.string(), z.number()),
    sandbox: z
      .object({
        available: z.boolean(),
        isolation: z.enum(['namespaces', 'wasm', 'process']).nullable(),
        reason: z.string().optional(),
        remedy: z.string().optional(),
        languages: z.array(language),
      })
      .nullable(),
  })
  .meta({ id: 'Capabilities' });

export type Capabilities = z.output<typeof capabilities>;
