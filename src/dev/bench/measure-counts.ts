import { open, stat } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import pg from 'pg';
import type { Bed } from './bed.ts';
import type { Measure } from './measure.ts';
import { httpRun, lightRun } from './runs.ts';
import type { RawWorkflow } from './raw.ts';
import { plainRow, type Row, type Target } from './rows.ts';

const RUNS = 20;
/** PostgreSQL writes its log, and reads a changed setting, a little later. */
const SETTLE_MS = 500;
const STATEMENT = /LOG: {2}(?:execute [^:]*|statement): (.*)/;

/**
 * SQL statements and Temporal events of one run. Statements are counted by the server itself (`log_statement = all`, on only
 * during this measurement), so BEGIN, COMMIT and what the API reads for its answers count too; what the processes ask
 * anyway is measured idle for as long and taken off.
 */
export const counts: Measure = async (bed) => {
  const light = await countRuns(bed, await lightRun(bed));
  const http = await countRuns(bed, await httpRun(bed));
  const events = (workflow: RawWorkflow) => bed.raw.call('historyEvents', workflow);
  const raw = {
    local: await events('w4Local'),
    activities: await events('w4Activities'),
    empty: await events('empty'),
  };
  const budget = { of: 'ours', at_most: 8 } as const;
  const raw_light = `raw SDK: ${raw.local} with local activities, ${raw.empty} for an empty workflow`;
  return {
    rows: [
      statementsRow('light', light, budget),
      plainRow({ name: 'Temporal events per W4 light run', unit: 'events', note: raw_light }, [light.events]),
      statementsRow('http', http),
      plainRow(
        { name: 'Temporal events per W4 http run', unit: 'events', note: `raw SDK: ${raw.activities}` },
        [http.events],
      ),
    ],
    details: { light, http, raw },
  };
};

interface Counted {
  busy: number;
  idle: number;
  /** History events of one run. */
  events: number;
  /** How often each statement came in all runs, by its beginning. */
  statements: Record<string, number>;
}

async function countRuns(bed: Bed, once: () => Promise<string>): Promise<Counted> {
  const first_id = await once();
  const counted = await withStatementLog(bed, async (read) => {
    const start = performance.now();
    const busy = await read(async () => {
      for (let i = 0; i < RUNS; i += 1) await once();
    });
    const took_ms = performance.now() - start;
    const idle = await read(() => pause(took_ms));
    return { busy: busy.length, idle: idle.length, statements: tally(busy) };
  });
  return { ...counted, events: await historyEvents(bed.services.temporal.address, first_id) };
}

function statementsRow(kind: string, { busy, idle }: Counted, target?: Target): Row {
  const note = `counted by PostgreSQL over ${RUNS} runs, start, end and both HTTP requests included; ${idle} of ${busy} were idle traffic`;
  return plainRow(
    { name: `SQL statements per W4 ${kind} run`, unit: 'statements', note },
    [(busy - idle) / RUNS],
    target,
  );
}

type ReadStatements = (during: () => Promise<unknown>) => Promise<string[]>;

async function withStatementLog<T>(
  { services }: Bed,
  work: (read: ReadStatements) => Promise<T>,
): Promise<T> {
  const log_file = path.join(services.data_dir, 'logs', 'postgres.log');
  const client = new pg.Client({ connectionString: services.postgres.url });
  await client.connect();
  const set = async (sql: string) => {
    await client.query(sql);
    await client.query('SELECT pg_reload_conf()');
    await pause(SETTLE_MS);
  };
  await set("ALTER SYSTEM SET log_statement = 'all'");
  try {
    return await work(async (during) => {
      const { size } = await stat(log_file);
      await during();
      await pause(SETTLE_MS);
      return statementsFrom(log_file, size);
    });
  } finally {
    await set('ALTER SYSTEM RESET log_statement');
    await client.end();
  }
}

async function statementsFrom(file: string, offset: number): Promise<string[]> {
  const handle = await open(file);
  try {
    const { size } = await handle.stat();
    const { buffer } = await handle.read({ buffer: Buffer.alloc(size - offset), position: offset });
    return buffer
      .toString()
      .split('\n')
      .flatMap((line) => STATEMENT.exec(line)?.[1] ?? []);
  } finally {
    await handle.close();
  }
}

/** How often each statement came, by its beginning. */
function tally(statements: readonly string[]): Record<string, number> {
  const counted: Record<string, number> = {};
  for (const statement of statements) {
    const beginning = statement.slice(0, 100);
    counted[beginning] = (counted[beginning] ?? 0) + 1;
  }
  return counted;
}

async function historyEvents(address: string, run_id: string): Promise<number> {
  const connection = await Connection.connect({ address });
  try {
    const history = await new Client({ connection }).workflow.getHandle(run_id).fetchHistory();
    return history.events?.length ?? 0;
  } finally {
    await connection.close();
  }
}
