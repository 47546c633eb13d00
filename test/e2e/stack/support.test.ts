import { Connection } from '@temporalio/client';
import pg from 'pg';
import { testDatabase } from '../../support/database.ts';
import { testTemporal } from '../../support/stack.ts';

test('a test file gets a migrated database of its own, and can drop it while connected', async () => {
  const [one, other] = await Promise.all([testDatabase(), testDatabase()]);
  expect(one.url).not.toBe(other.url);
  const client = new pg.Client({ connectionString: one.url });
  client.on('error', () => undefined);
  await client.connect();
  const { rows } = await client.query<{ n: string }>(
    "SELECT count(*) AS n FROM information_schema.schemata WHERE schema_name = 'drizzle'",
  );
  expect(rows[0]?.n).toBe('1');
  await Promise.all([one.drop(), other.drop()]);
  await client.end().catch(() => undefined);
});

test('all test files share one Temporal server with our search attributes', async () => {
  const connection = await Connection.connect({ address: testTemporal() });
  const { customAttributes } = await connection.operatorService.listSearchAttributes({
    namespace: 'default',
  });
  expect(Object.keys(customAttributes ?? {})).toEqual(
    expect.arrayContaining([
      'OrchestratorWorkflow',
      'OrchestratorProject',
      'OrchestratorType',
      'OrchestratorState',
    ]),
  );
  await connection.close();
});
