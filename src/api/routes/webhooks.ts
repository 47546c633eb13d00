import { eventIdOf } from '../../domain/rules/cloud-event.ts';
import type { WebhookService } from '../../domain/webhooks.ts';
import { agePlaceAt, agePlaceOf, decodeCursor, pageOf } from '../cursor.ts';
import { route, type Route } from '../route.ts';
import { logPlace, page } from '../schemas/conventions.ts';
import { pageOnlyQuery } from '../schemas/runs.ts';
import {
  createdWebhook,
  createWebhookBody,
  deliveriesQuery,
  deliveryView,
  replayBody,
  replayView,
  updateWebhookBody,
  webhookParams,
  webhookView,
} from '../schemas/webhooks.ts';

type Row = Awaited<ReturnType<WebhookService['get']>>;
type Delivery = Awaited<ReturnType<WebhookService['deliveries']>>[number];

const group = 'hooks';

/** Whom a project's events are sent to, and what became of each delivery. */
export function webhookRoutes({ webhooks }: { webhooks: WebhookService }): Route[] {
  return [...collectionRoutes(webhooks), ...webhookOwnRoutes(webhooks), ...deliveryRoutes(webhooks)];
}

function collectionRoutes(webhooks: WebhookService): Route[] {
  return [
    route({
      method: 'post',
      path: '/webhooks',
      group,
      summary: 'Send events to a URL, signed with the secret of this answer.',
      role: 'maintainer',
      body: createWebhookBody,
      secret_answer: true,
      responses: { 201: { description: 'Created.', schema: createdWebhook } },
      async handler({ body, project_id, principal }) {
        const { url, events, description = null } = body;
        const row = await webhooks.create({ project_id, url, events, description, actor: principal.id });
        const headers = { Location: `/api/v1/webhooks/${row.id}` };
        return { status: 201, body: { ...viewOf(row), secret: row.secret }, headers };
      },
    }),
    route({
      method: 'get',
      path: '/webhooks',
      group,
      summary: 'Outgoing webhooks, newest first.',
      query: pageOnlyQuery,
      responses: { 200: { description: 'One page.', schema: page(webhookView) } },
      async handler({ query: { limit, cursor }, project_id }) {
        const after = agePlaceAt(cursor);
        const rows = await webhooks.list(project_id, limit + 1, after);
        const { items, next_cursor } = pageOf(rows, limit, agePlaceOf);
        return { status: 200, body: { items: items.map(viewOf), next_cursor } };
      },
    }),
  ];
}

function webhookOwnRoutes(webhooks: WebhookService): Route[] {
  const common = { path: '/webhooks/:id', group, params: webhookParams } as const;
  const ok = { 200: { description: 'The webhook.', schema: webhookView } };
  return [
    route({
      ...common,
      method: 'get',
      summary: 'An outgoing webhook.',
      responses: ok,
      handler: async ({ params, project_id }) => ({
        status: 200,
        body: viewOf(await webhooks.get(project_id, params.id)),
      }),
    }),
    route({
      ...common,
      method: 'patch',
      summary: 'Change an outgoing webhook, or switch it off and on.',
      role: 'maintainer',
      body: updateWebhookBody,
      responses: ok,
      handler: async ({ params, body, project_id }) => ({
        status: 200,
        body: viewOf(await webhooks.update(project_id, params.id, body)),
      }),
    }),
    route({
      ...common,
      method: 'delete',
      summary: 'Delete an outgoing webhook with its deliveries.',
      role: 'maintainer',
      responses: { 204: { description: 'Deleted.' } },
      async handler({ params, project_id }) {
        await webhooks.remove(project_id, params.id);
        return { status: 204 };
      },
    }),
  ];
}

function deliveryRoutes(webhooks: WebhookService): Route[] {
  return [
    route({
      method: 'get',
      path: '/webhooks/:id/deliveries',
      group,
      summary: 'Deliveries of a webhook, newest event first.',
      params: webhookParams,
      query: deliveriesQuery,
      responses: { 200: { description: 'One page.', schema: page(deliveryView) } },
      async handler({ params, query: { limit, cursor, state }, project_id }) {
        const filter = { state, before: decodeCursor(cursor, logPlace) };
        const rows = await webhooks.deliveries(project_id, params.id, filter, limit + 1);
        const { items, next_cursor } = pageOf(rows, limit, ({ tx, run_id, seq }) => ({ tx, run_id, seq }));
        return { status: 200, body: { items: items.map(deliveryViewOf), next_cursor } };
      },
    }),
    route({
      method: 'post',
      path: '/webhooks/:id/replay',
      group,
      summary: 'Send dead letters again, or everything from an event on.',
      role: 'maintainer',
      params: webhookParams,
      body: replayBody,
      responses: { 202: { description: 'They are on their way.', schema: replayView } },
      async handler({ params, body: { from_event }, project_id }) {
        const [run_id = '', seq] = from_event?.split(':') ?? [];
        const from = from_event === undefined ? 'dead' : { run_id, seq: Number(seq) };
        return { status: 202, body: { queued: await webhooks.replay(project_id, params.id, from) } };
      },
    }),
  ];
}

const viewOf = ({ secret: _secret, ...row }: Row) => ({ ...row, created_at: row.created_at.toISOString() });

function deliveryViewOf({ tx: _tx, ...row }: Delivery) {
  return {
    ...row,
    event_id: eventIdOf(row),
    next_attempt_at: row.next_attempt_at?.toISOString() ?? null,
    created_at: row.created_at.toISOString(),
    settled_at: row.settled_at?.toISOString() ?? null,
  };
}
