import { z } from 'zod';
import { field, list, secretText, section } from './config-fields.ts';

const key = secretText(32);

/** What secrets are sealed with where they are stored. */
export const secrets = section({
  key: field(
    key.optional(),
    'Seals the secrets of projects and webhooks in the database; the embedded stack makes one.',
    { secret: true },
  ),
  previous_keys: field(
    list.pipe(z.array(key)).default([]),
    'Keys that were replaced: what they sealed can be read, and is sealed anew.',
    { secret: true, default_text: '🔒 none' },
  ),
});
