import { randomUUID } from 'node:crypto';
import { Client, Connection } from '@temporalio/client';
import pg from 'pg';

/** Runs one statement on a connection of its own. */
export async function query<Row extends pg.QueryResultRow>(url: string, statement: string): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2_000 });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query<Row>(statement)).rows;
  } finally {
    await client.end();
  }
}

/** Leaves a committed row behind; `rowsOf` finds it again. */
export async function leaveRow(url: string): Promise<void> {
  await query(url, 'CREATE TABLE IF NOT EXISTS trace (n int); INSERT INTO trace VALUES (1)');
}

export async function rowsOf(url: string): Promise<number> {
  return (await query(url, 'SELECT n FROM trace')).length;
}

/** Starts a workflow that no worker will take; answers its id. */
export async function leaveWorkflow(address: string): Promise<string> {
  return withClient(address, async (client) => {
    const handle = await client.workflow.start('nobodyTakesThis', {
      workflowId: randomUUID(),
      taskQueue: 'nobody-listens',
    });
    return handle.workflowId;
  });
}

export async function workflowStatus(address: string, id: string): Promise<string> {
  return withClient(address, async (client) => (await client.workflow.getHandle(id).describe()).status.name);
}

async function withClient<T>(address: string, use: (client: Client) => Promise<T>): Promise<T> {
  const connection = await Connection.connect({ address, connectTimeout: 2_000 });
  try {
    return await connection.withDeadline(Date.now() + 5_000, () => use(new Client({ connection })));
  } finally {
    await connection.close();
  }
}
