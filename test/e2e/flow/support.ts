import type { JsonObject } from '../../../src/contract/json.ts';
import type { ApiClient, RunBody } from '../../support/api-client.ts';
import { definition } from '../../support/definitions.ts';
import type { Product } from '../../support/product.ts';

/** A workflow whose runs wait for the event `go` until they are told. */
export const holding = (name: string, more: JsonObject) =>
  definition(name, { w: { type: 'wait', config: { event: 'go' } } }, more);

/** A run as tests of limits look at it. */
export interface FlowRun extends RunBody {
  waiting_for: Record<string, unknown> | null;
  admitted_at: string | null;
  start_id: string | null;
  priority: number;
  reason: string | null;
}

export const isWaiting = (run: RunBody): boolean => (run as FlowRun).waiting_for !== null;
export const isAdmitted = (run: RunBody): boolean => (run as FlowRun).admitted_at !== null;

/** Lets a holding run go on, and waits for its end. */
export async function letGo(api: ApiClient, id: string): Promise<RunBody> {
  await api.until(id, (run) => run.state === 'running');
  const { status } = await api.call('POST', `/runs/${id}/events/go`, {});
  if (status !== 202) throw new Error(`the event was answered with ${status}`);
  return api.ended(id);
}

/** Every admission of a key as an interval, to be held against the limit. */
export async function mostAtOnce(
  pool: Pick<Product['database']['pool'], 'query'>,
  key: string,
): Promise<number> {
  const { rows } = await pool.query<{ most: number }>(
    `SELECT max(n)::integer AS most FROM (
       SELECT sum(step) OVER (ORDER BY at, step) AS n FROM (
         SELECT admitted_at AS at, 1 AS step FROM run WHERE flow_key = $1 AND admitted_at IS NOT NULL
         UNION ALL SELECT ended_at, -1 FROM run WHERE flow_key = $1 AND admitted_at IS NOT NULL AND ended_at IS NOT NULL
       ) steps
     ) counts`,
    [key],
  );
  return rows[0]?.most ?? 0;
}

export const typesOf = async (api: ApiClient, id: string) => (await api.events(id)).map(({ type }) => type);
