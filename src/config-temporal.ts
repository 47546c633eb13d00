import { z } from 'zod';
import type { CodecSecrets } from './clients/temporal-codec.ts';
import { address, field, list, section, word } from './config-fields.ts';
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

const origins = list.pipe(
  z
    .array(z.string().refine(isOrigin, 'must be an origin, such as https://temporal.example.net'))
    .max(100, 'must be at most 100'),
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
  codec_origins: field(
    origins.default([]),
    'Temporal Web UIs whose pages may ask `/codec/decode`, such as https://temporal.example.net.',
  ),
});

/** As browsers send it: no path, no slash at the end. */
function isOrigin(text: string): boolean {
  return URL.canParse(text) && /^https?:/.test(text) && new URL(text).origin === text;
}

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
