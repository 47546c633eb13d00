import { quantile, type Figures } from './stats.ts';

export interface LoadPlan {
  /** How many do it at once, each again as soon as it is done. */
  clients: number;
  /** Nothing new begins after this time; what is under way ends. */
  seconds: number;
  /** At most this many in all. */
  turns?: number;
  /** One turn; rejects when its answer is missing or wrong, which ends the load. */
  once: (turn: number, client: number) => Promise<void>;
}

/**
 * Drives a closed loop of clients. Answers `per_second`, `p50_ms`, `p95_ms`, `turns` and `generator_cores`: how much CPU
 * this very process took meanwhile, so that a result bounded by its own measuring can be told.
 */
export async function driveLoad({ clients, seconds, turns = Infinity, once }: LoadPlan): Promise<Figures> {
  const latencies: number[] = [];
  let begun = 0;
  let failed = false;
  const start = performance.now();
  const cpu = process.cpuUsage();
  async function loop(client: number): Promise<void> {
    while (!failed && begun < turns && performance.now() - start < seconds * 1_000) {
      const turn = begun++;
      const from = performance.now();
      await once(turn, client);
      latencies.push(performance.now() - from);
    }
  }
  const loops = Array.from({ length: clients }, (_, client) =>
    loop(client).catch((error: unknown) => {
      failed = true;
      throw error;
    }),
  );
  // All loops have to end before the error goes on: nothing may disturb the next measurement.
  const ends = await Promise.allSettled(loops);
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
  const elapsed_ms = performance.now() - start;
  const { user, system } = process.cpuUsage(cpu);
  return {
    per_second: (latencies.length / elapsed_ms) * 1_000,
    p50_ms: quantile(latencies, 0.5),
    p95_ms: quantile(latencies, 0.95),
    turns: latencies.length,
    generator_cores: (user + system) / 1_000 / elapsed_ms,
  };
}
