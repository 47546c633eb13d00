import type { AgePlace } from '../contract/age-place.ts';
import { AppError } from '../contract/errors.ts';
import type {
  DeliveryRow,
  DeliveryState,
  WebhookDeliveryRepository,
} from '../persistence/webhook-deliveries.ts';
import type { WebhookFanOutRepository } from '../persistence/webhook-fan-out.ts';
import { aboutWebhook } from '../persistence/secrets-seal.ts';
import type { WebhookChange, WebhookRepository, WebhookRow } from '../persistence/webhooks.ts';
import type { SealedBox } from './sealed-box.ts';
import { newWebhookSecret } from './rules/webhook-signature.ts';

interface Deps {
  webhooks: WebhookRepository;
  deliveries: Pick<WebhookDeliveryRepository, 'list' | 'reviveDead'>;
  fanOut: Pick<WebhookFanOutRepository, 'replay'>;
  /** Seals what signs; undefined where no key is set: then it is kept as it is. */
  box: SealedBox | undefined;
  /** Something may be due. */
  onChange: () => void;
  ids: () => string;
}

export interface CreateWebhook {
  project_id: string;
  url: string;
  events: string[];
  description: string | null;
  actor: string;
}

export interface EventKey {
  run_id: string;
  seq: number;
}

/** Whom a project's events are sent to. Every function throws `not_found` for an unknown or foreign webhook. */
export function webhookService({ webhooks, deliveries, fanOut, box, onChange, ids }: Deps) {
  async function get(project_id: string, id: string): Promise<WebhookRow> {
    const row = await webhooks.find(project_id, id);
    if (!row) throw new AppError('not_found');
    return row;
  }

  return {
    get,

    /** The only answer that has the secret in it. */
    async create({ actor, ...given }: CreateWebhook): Promise<WebhookRow> {
      const [id, secret] = [ids(), newWebhookSecret()];
      const sealed = box?.seal(secret, aboutWebhook(id)) ?? secret;
      const row = await webhooks.insert({ ...given, id, secret: sealed, created_by: actor });
      onChange();
      return { ...row, secret };
    },

    list: (project_id: string, limit: number, after?: AgePlace) => webhooks.list(project_id, limit, after),

    async update(project_id: string, id: string, change: WebhookChange): Promise<WebhookRow> {
      const row = await webhooks.update(project_id, id, change);
      if (!row) throw new AppError('not_found');
      onChange();
      return row;
    },

    async remove(project_id: string, id: string): Promise<void> {
      if (!(await webhooks.remove(project_id, id))) throw new AppError('not_found');
    },

    async deliveries(
      project_id: string,
      id: string,
      filter: { state?: DeliveryState; before?: Pick<DeliveryRow, 'tx' | 'run_id' | 'seq'> },
      limit: number,
    ): Promise<DeliveryRow[]> {
      await get(project_id, id);
      return deliveries.list(id, filter, limit);
    },

    /** Sends again: every dead letter, or everything from an event on. Says how many. `not_found`: no such event. */
    async replay(project_id: string, id: string, from: EventKey | 'dead'): Promise<number> {
      await get(project_id, id);
      const queued =
        from === 'dead'
          ? await deliveries.reviveDead(id)
          : await fanOut.replay({ webhook_id: id, run_id: from.run_id, seq: from.seq });
      if (queued === undefined) throw new AppError('not_found', { detail: 'The project has no such event.' });
      onChange();
      return queued;
    },
  };
}

export type WebhookService = ReturnType<typeof webhookService>;
