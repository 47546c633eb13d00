import { z } from 'zod';
import { instant, pageQuery, uuid } from './conventions.ts';

const URL_CHARS = 2_000;
const MAX_EVENTS = 50;

/** `*`, everything below a prefix, or one type. */
const eventPattern = z
  .string()
  .max(100)
  .regex(/^(\*|[a-z_]+(\.[a-z_]+)*(\.\*)?)$/, 'must be a type of event, `prefix.*` or `*`');

const url = z
  .string()
  .max(URL_CHARS)
  .refine(isCallable, 'must be an http or https URL without user name and password')
  .meta({ description: 'Where deliveries are sent by POST.' });
const events = z.array(eventPattern).min(1).max(MAX_EVENTS);
const description = z.string().max(500);

export const createWebhookBody = z.strictObject({
  url,
  events: events.default(['run.*']).meta({ description: 'Types of events: `run.completed`, `step.*`, `*`.' }),
  description: description.optional(),
});

export const updateWebhookBody = z.strictObject({
  url: url.optional(),
  events: events.optional(),
  description: description.optional(),
  enabled: z.boolean().optional().meta({ description: 'Switched on again, it gets events from then on.' }),
});

export const webhookParams = z.strictObject({ id: uuid });

export const webhookView = z
  .object({
    id: z.string(),
    project_id: z.string(),
    url: z.string(),
    events: z.array(z.string()),
    description: z.string().nullable(),
    enabled: z.boolean(),
    disabled_reason: z.string().nullable(),
    created_by: z.string(),
    created_at: instant,
  })
  .meta({ id: 'Webhook' });

export const createdWebhook = webhookView
  .extend({ secret: z.string().meta({ description: 'Shown this once; deliveries are signed with it.' }) })
  .meta({ id: 'CreatedWebhook' });

const states = z.enum(['pending', 'delivered', 'dead']);

export const deliveriesQuery = z.strictObject({ ...pageQuery, state: states.optional() });

export const deliveryView = z
  .object({
    webhook_id: z.string(),
    event_id: z.string(),
    run_id: z.string(),
    seq: z.int(),
    state: states,
    attempts: z.int(),
    next_attempt_at: instant.nullable(),
    last_status: z.int().nullable(),
    last_error: z.string().nullable(),
    created_at: instant,
    settled_at: instant.nullable(),
  })
  .meta({ id: 'WebhookDelivery' });

export const replayBody = z
  .strictObject({
    dead: z.literal(true).optional().meta({ description: 'Every dead letter.' }),
    from_event: z
      .string()
      .regex(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}:[1-9]\d{0,8}$/, 'must be <run id>:<seq>')
      .optional()
      .meta({ description: 'Everything from this event on, `<run id>:<seq>`.' }),
  })
  .refine(
    ({ dead, from_event }) => (dead === undefined) !== (from_event === undefined),
    'give either dead or from_event',
  );

export const replayView = z
  .object({ queued: z.int().meta({ description: 'Deliveries that are pending again.' }) })
  .meta({ id: 'WebhookReplay' });

function isCallable(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, username, password } = new URL(text);
  return /^https?:$/.test(protocol) && username === '' && password === '';
}
