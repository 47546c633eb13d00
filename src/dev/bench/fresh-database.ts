import { openDatabase } from '../../persistence/db.ts';
import { migrate } from '../../persistence/migrate.ts';
import type { Bed } from './bed.ts';

/** A migrated, empty database of this name on the bench's own server. */
export async function freshDatabase({ services }: Bed, name: string): Promise<string> {
  const url = services.postgres.urlOf(name);
  const { pool, close } = openDatabase({ url: services.postgres.url, max_connections: 1 });
  await pool.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
  await pool.query(`CREATE DATABASE ${name}`);
  await close();
  await migrate(url);
  return url;
}
