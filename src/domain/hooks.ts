import { AppError } from '../contract/errors.ts';
import type { Json } from '../contract/json.ts';
import type { Metrics } from '../contract/metrics.ts';
import { type Principal, roleIn } from '../contract/principal.ts';
import { hasRole } from '../contract/roles.ts';
import type { HookRepository, HookRow } from '../persistence/hooks.ts';
import type { WorkflowKey } from '../persistence/live-tags.ts';
import type { RunRepository, RunRow } from '../persistence/runs.ts';
import { openOnce } from './run-once.ts';
import type { RunService } from './runs.ts';
import { derivedId } from './rules/derived-id.ts';
import { isSigned, type SignedDelivery } from './rules/hook-signature.ts';
import type { SecretSource } from './secrets.ts';
import type { LiveDefinition } from './triggers.ts';

/** Something that came in for a hook. */
export interface Delivery extends SignedDelivery {
  /** Who showed a token. */
  bearer: Principal | undefined;
  /** Equal for what was delivered before: it begins no second run. */
  delivery_id: string | undefined;
  /** The body as JSON; asked for only when the sender is known. */
  read: () => Json;
}

/** A trigger of a live definition, and where it is reached. */
export interface HookView {
  id: string;
  name: string;
  secret_ref: string | null;
  /** Deliveries can be verified; without its secret a signed hook refuses all of them. */
  is_ready: boolean;
  created_at: Date;
}

interface Deps {
  hooks: HookRepository;
  live: (key: WorkflowKey) => Promise<LiveDefinition | undefined>;
  secrets: SecretSource;
  runs: Pick<RunService, 'start' | 'workflowNameOf'>;
  run_rows: Pick<RunRepository, 'findAny'>;
  metrics: Pick<Metrics, 'hookDelivered'>;
  tolerance_seconds: number;
  /** Ids nobody can guess. */
  newHookId: () => string;
  clock: () => Date;
}

interface Found extends HookRow {
  tag: string;
  secret_ref: string | undefined;
}

export type HookService = ReturnType<typeof hookService>;

/** Inbound webhooks: the triggers of live definitions. */
export function hookService(deps: Deps) {
  const { hooks, secrets, metrics } = deps;

  /** A trigger that is not in the live version may be again after an undo: 404, never 410, at which senders give up. */
  async function find(id: string): Promise<Found> {
    const hook = await hooks.find(id);
    const live = hook && (await deps.live(hook));
    const trigger = live?.definition.triggers?.find(({ name }) => name === hook?.name);
    if (!hook || !live || !trigger) throw new AppError('not_found');
    return { ...hook, tag: live.tag, secret_ref: trigger.secret_ref };
  }

  /** Who delivers. A hook with a secret asks for a signature, any other for a token that may start runs. */
  async function senderOf(hook: Found, delivery: Delivery): Promise<string> {
    const { project_id, secret_ref } = hook;
    if (secret_ref === undefined) return bearerOf(delivery.bearer, project_id);
    const secret = await secrets.find(project_id, secret_ref);
    const rule = { now_ms: deps.clock().getTime(), tolerance_seconds: deps.tolerance_seconds };
    if (secret === undefined || !isSigned(delivery, { secret, ...rule })) throw unauthenticated();
    return `hook:${hook.id}`;
  }

  async function accept(id: string, delivery: Delivery): Promise<{ run: RunRow; is_new: boolean }> {
    const hook = await find(id);
    const actor = await senderOf(hook, delivery);
    const { project_id, tag: workflow } = hook;
    const request = {
      project_id,
      workflow,
      input: delivery.read(),
      params: {},
      labels: {},
      priority: 3,
      actor,
    };
    const more = { hook_id: hook.id };
    const { delivery_id } = delivery;
    if (delivery_id === undefined) return { run: await deps.runs.start({ ...request, more }), is_new: true };
    const run_id = derivedId('delivery', hook.id, delivery_id);
    return openOnce(deps.run_rows, run_id, () => deps.runs.start({ ...request, id: run_id, more }));
  }

  return {
    /**
     * Starts a run of the live tag with the body as its input; `is_new` is false for a delivery that was here before.
     * Errors: `not_found`, `unauthenticated`, `forbidden`, and as reading the body and starting a run.
     */
    async deliver(
      id: string,
      delivery: Delivery,
    ): Promise<{ run_id: string; project_id: string; is_new: boolean }> {
      try {
        const { run, is_new } = await accept(id, delivery);
        metrics.hookDelivered(is_new ? 'started' : 'repeated');
        return { run_id: run.id, project_id: run.project_id, is_new };
      } catch (error) {
        metrics.hookDelivered(error instanceof AppError ? error.code : 'internal');
        throw error;
      }
    },

    /** The triggers of a workflow's live version; one that has no address yet is given one. */
    async list(project_id: string, ref: string): Promise<HookView[]> {
      const key = { project_id, workflow: await deps.runs.workflowNameOf(project_id, ref) };
      const { triggers = [] } = (await deps.live(key))?.definition ?? {};
      const names = triggers.map(({ name }) => name);
      const rows = await hooks.ensure(key, names, deps.newHookId);
      const named = triggers.flatMap(({ secret_ref }) => secret_ref ?? []);
      const known = await secrets.findAll(project_id, named);
      return triggers.map(({ name, secret_ref }) => {
        const { id, created_at } = rows.find((row) => row.name === name)!;
        const is_ready = secret_ref === undefined || known.has(secret_ref);
        return { id, name, secret_ref: secret_ref ?? null, is_ready, created_at };
      });
    },
  };
}

function bearerOf(bearer: Delivery['bearer'], project_id: string): string {
  if (!bearer) throw unauthenticated();
  const role = roleIn(bearer, project_id);
  if (!role) throw new AppError('not_found');
  if (!hasRole(role, 'editor')) throw new AppError('forbidden', { detail: 'This needs the role editor.' });
  return bearer.id;
}

/** The same whatever was wrong: who guesses learns nothing. */
const unauthenticated = () =>
  new AppError('unauthenticated', { detail: 'A valid signature or bearer token is required.' });
