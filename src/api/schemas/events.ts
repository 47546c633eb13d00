import { z } from 'zod';

const access_token = z
  .string()
  .optional()
  .meta({ description: 'The bearer token, where no header can be set: in browsers.' });

export const runSocketQuery = z.strictObject({
  last_event_id: z.coerce
    .number('must be a number')
    .int()
    .min(0)
    .max(2_147_483_647)
    .optional()
    .meta({ description: '`id` of the last frame: the number of the event.' }),
  access_token,
});

export const projectSocketQuery = z.strictObject({
  last_event_id: z
    .string()
    .min(1)
    .max(512)
    .optional()
    .meta({ description: '`id` of the last frame. Without it: from now on.' }),
  access_token,
});
