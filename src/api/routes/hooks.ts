import type { Request } from 'express';
import { AppError } from '../../contract/errors.ts';
import type { Allowance } from '../../domain/allowance.ts';
import type { HookService } from '../../domain/hooks.ts';
import { actedAs } from '../middleware/audit.ts';
import { rateLimiter } from '../middleware/rate-limit.ts';
import { ANONYMOUS, type Principal } from '../../contract/principal.ts';
import { route, type Route, type WholeBody } from '../route.ts';
import { page } from '../schemas/conventions.ts';
import { deliveredView, deliveryBody, hookParams, hookView, workflowHooksParams } from '../schemas/hooks.ts';

export interface HookRouteOptions {
  hooks: HookService;
  /** What each hook may take, whoever sends. */
  allowance: Allowance;
}

const MEDIA_TYPES = ['application/json', 'application/cloudevents+json'];
/** What senders call the id of a delivery; the first one that is there counts. */
const DELIVERY_IDS = ['webhook-id', 'x-github-delivery', 'idempotency-key'];
const MAX_DELIVERY_ID = 255;

/** Inbound webhooks. */
export function hookRoutes(options: HookRouteOptions): Route[] {
  return [deliverRoute(options), listRoute(options)];
}

function deliverRoute({ hooks, allowance }: HookRouteOptions): Route {
  const rate = rateLimiter(allowance);
  return route({
    method: 'post',
    path: '/hooks/:id',
    group: 'hooks',
    summary: 'Start a run of the live version with the body as its input; signed, or with a bearer token.',
    params: hookParams,
    body: deliveryBody,
    whole_body: true,
    body_media_types: MEDIA_TYPES,
    public: true,
    takes_token: true,
    role: 'viewer',
    // A delivery has an id of its own, which its sender signs.
    idempotent: false,
    responses: {
      200: { description: 'This delivery was here before: its run.', schema: deliveredView },
      202: { description: 'Accepted.', schema: deliveredView },
    },
    async handler({ params, body, principal, req, res }) {
      rate.take(params.id, res);
      const { bytes, json } = body as WholeBody;
      const { run_id, project_id, is_new } = await hooks.deliver(params.id, {
        body: bytes,
        header: (name) => headerOf(req, name),
        bearer: bearerOf(principal),
        delivery_id: deliveryIdOf(req),
        read: json,
      });
      const sender = principal.id === ANONYMOUS.id ? `hook:${params.id}` : principal.id;
      actedAs(res, { principal: sender, project_id });
      return { status: is_new ? 202 : 200, body: { run_id } };
    },
  });
}

function listRoute({ hooks }: HookRouteOptions): Route {
  return route({
    method: 'get',
    path: '/workflows/:ref/hooks',
    group: 'hooks',
    summary: 'The triggers of the live version, and where deliveries to them go.',
    params: workflowHooksParams,
    responses: { 200: { description: 'All of them.', schema: page(hookView) } },
    async handler({ params, project_id }) {
      const items = await hooks.list(project_id, params.ref);
      const views = items.map((hook) => ({ ...hook, path: `/api/v1/hooks/${hook.id}` }));
      return { status: 200, body: { items: views, next_cursor: null } };
    },
  });
}

const bearerOf = (principal: Principal) => (principal.id === ANONYMOUS.id ? undefined : principal);

function deliveryIdOf(req: Request): string | undefined {
  const id = DELIVERY_IDS.map((name) => headerOf(req, name)).find((text) => text !== undefined);
  if (id === undefined || (id !== '' && id.length <= MAX_DELIVERY_ID)) return id;
  throw new AppError('malformed_request', {
    detail: `The id of a delivery has 1–${MAX_DELIVERY_ID} characters.`,
  });
}

function headerOf(req: Request, name: string): string | undefined {
  const value = req.headers[name];
  return typeof value === 'string' ? value : undefined;
}
