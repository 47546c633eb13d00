import { z } from 'zod';
import type { CodecSecrets } from './clients/temporal-codec.ts';
import { address, field, section, word } from './config-fields.ts';
import { secret, type Secret } from './config-secret.ts';

/** Commas separate them in the environment. */
const codecKey = z
  .string('must be text')
  .min(32, 'must have at least 32 characters')
  .regex(/^[^\s,]*$/, 'may have no spaces and no commas')
  .transform(secret);

const codecKeys = z.preprocess(
  (value) => (typeof value === 'string' ? value.split(',').map((item) => item.trim()) : value),
  z.array(codecKey, 'must be a list').max(100, 'must be at most 100'),
);

/** The Temporal to use, and what it may read of what it keeps. */
export const temporal = section({
  host_port: field(address.optional(), 'Temporal to use; without it the embedded one is started.', {
    aliases: ['TEMPORAL_ADDRESS'],
  }),
  namespace: field(word.default('default'), 'Temporal namespace.'),
  task_queue: field(
    word.default('orchestrator-task-queue'),
    'Task queue of the workflows and light activities.',
  ),
  codec_key: field(
    codecKey.optional(),
    'Encrypts what Temporal keeps: inputs, results, signals, failures. The same for all processes.',
    { secret: true },
  ),
  codec_previous_keys: field(
    codecKeys.optional(),
    'Further keys that what Temporal keeps may be encrypted with, or is going to be.',
    { secret: true },
  ),
});

interface CodecSettings {
  codec_key?: Secret;
  codec_previous_keys?: readonly Secret[];
}

/** Undefined when there is nothing to encrypt or to decrypt with. */
export function codecSecrets(settings: CodecSettings): CodecSecrets | undefined {
  const { codec_key, codec_previous_keys = [] } = settings;
  if (!codec_key && codec_previous_keys.length === 0) return undefined;
  return { current: codec_key?.reveal(), previous: codec_previous_keys.map((key) => key.reveal()) };
}
