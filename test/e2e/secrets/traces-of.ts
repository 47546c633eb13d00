import { readdirSync, readFileSync } from 'node:fs';
import type { Pool } from 'pg';
import { historiesOf, withTemporal } from '../../support/executions.ts';
import { testTemporal } from '../../support/stack.ts';

/** The texts that would tell a value, worked out in another way than the product does. */
export function needlesOf(value: string): string[] {
  const inBase64 = [0, 1, 2].map((before) =>
    Buffer.concat([Buffer.alloc(before, 120), Buffer.from(value)])
      .toString('base64')
      // Without what depends on its neighbours.
      .slice(4, -4),
  );
  return [
    value,
    JSON.stringify(value).slice(1, -1),
    encodeURIComponent(value),
    new URLSearchParams({ v: value }).toString().slice(2),
    ...inBase64,
    ...inBase64.map((text) => text.replaceAll('+', '-').replaceAll('/', '_')),
  ];
}

/** Which of the texts stand in `text`: as they are, and as the hexadecimal digits that bytes are shown by. */
export function foundIn(text: string, needles: readonly string[]): string[] {
  const lower = text.toLowerCase();
  return needles.filter(
    (needle) => text.includes(needle) || lower.includes(Buffer.from(needle).toString('hex')),
  );
}

/** Every row of every table, as text. */
export async function allRows(pool: Pool): Promise<Map<string, string>> {
  const tables = await pool.query<{ name: string }>(
    `SELECT quote_ident(schemaname) || '.' || quote_ident(tablename) AS name FROM pg_tables
     WHERE schemaname NOT IN ('pg_catalog', 'information_schema')`,
  );
  const dump = new Map<string, string>();
  for (const { name } of tables.rows) {
    const { rows } = await pool.query<{ row: string }>(`SELECT row_to_json(t)::text AS row FROM ${name} t`);
    dump.set(name, rows.map(({ row }) => row).join('\n'));
  }
  return dump;
}

/** The whole history of a run in Temporal, with what payloads hold. */
export function historyText(run_id: string): Promise<string> {
  return withTemporal(testTemporal(), async (client) => {
    const histories = await historiesOf(client, run_id);
    return JSON.stringify(histories, (key, value: unknown) =>
      key === 'data' && typeof value === 'string'
        ? `${value} ${Buffer.from(value, 'base64').toString('utf8')}`
        : value,
    );
  });
}

/** Looks at the command lines of all processes until it is stopped; answers those that hold one of the texts. */
export function watchCommandLines(needles: readonly string[]) {
  const hits = new Set<string>();
  let looks = 0;
  const timer = setInterval(() => {
    looks += 1;
    for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
      const line = commandLineOf(pid);
      if (foundIn(line, needles).length > 0) hits.add(line);
    }
  }, 20);
  return () => {
    clearInterval(timer);
    return { hits: [...hits], looks };
  };
}

function commandLineOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    return '';
  }
}
