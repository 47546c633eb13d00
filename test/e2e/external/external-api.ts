import type { Answer, RunBody } from '../../support/api-client.ts';
import { definition, transform } from '../../support/definitions.ts';
import type { Product } from '../../support/product.ts';

export interface CommandBody {
  id: string;
  type: string;
  state: string;
  reason: string | null;
  payload: Record<string, unknown>;
  applied: Record<string, unknown> | null;
  superseded_by: string | null;
  deliveries: number;
  lease_token: string;
}

/** An experiment to run: its definition is only its params, as far as an external run is concerned. */
export const experiment = (name: string, more: Record<string, unknown> = {}) => ({
  ...definition(name, { trained: transform(1) }),
  params: { learning_rate: 0.1 },
  ...more,
});

/** What the runtime of an external run calls. */
export function externalApi(product: Product) {
  const call: Product['call'] = (...request) => product.call(...request);
  return {
    /** A run nobody carries out yet. */
    async open(workflow: string, more: Record<string, unknown> = {}): Promise<string> {
      return (await product.start(workflow, {}, { executor: 'external', ...more })).id;
    },

    beat: (id: string, more: Record<string, unknown> = {}): Promise<Answer<RunBody & { code: string }>> =>
      call('POST', `/runs/${id}/heartbeat`, heartbeat(id, more)),

    next: (id: string, wait = 0): Promise<Answer<CommandBody & { code: string }>> =>
      call('GET', `/runs/${id}/commands/next?wait=${wait}`),

    ack: (
      id: string,
      command: string,
      more: Record<string, unknown> = {},
    ): Promise<Answer<CommandBody & { code: string }>> =>
      call('POST', `/runs/${id}/commands/${encodeURIComponent(command)}/ack`, {
        status: 'acknowledged',
        ...more,
      }),

    issue: (id: string, command: string, type: string, payload: Record<string, unknown> = {}) =>
      call<CommandBody & { code: string; errors: { path: string }[] }>('POST', `/runs/${id}/commands`, {
        id: command,
        type,
        payload,
      }),

    commands: async (id: string) =>
      (await call<{ items: CommandBody[] }>('GET', `/runs/${id}/commands`)).body.items,

    /** Lets the time since the last heartbeat pass, without waiting for it. */
    async age(id: string, seconds: number): Promise<void> {
      const sql = `UPDATE run_heartbeat SET at = at - make_interval(secs => $2), due_at = due_at - make_interval(secs => $2) WHERE run_id = $1`;
      await product.database.pool.query(sql, [id, seconds]);
    },

    /** Lets the lease of whoever has a command run out. */
    async endLeases(id: string): Promise<void> {
      const sql = `UPDATE run_command SET lease_expires_at = clock_timestamp() - interval '1 ms' WHERE run_id = $1 AND lease_expires_at IS NOT NULL`;
      await product.database.pool.query(sql, [id]);
    },
  };
}

export const heartbeat = (run_id: string, more: Record<string, unknown> = {}) => ({
  run_id,
  status: 'running',
  step: 1,
  samples_per_sec: 10,
  loss: 0.5,
  checkpoint_version: 0,
  ...more,
});
