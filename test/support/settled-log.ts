import { eventLogRepository } from '../../src/persistence/event-log.ts';
import type { Db } from '../../src/persistence/db.ts';
import { eventually } from './eventually.ts';

/** Resolves once every event there is can be read: transactions of other databases on the server hold them back too. */
export async function settledLog(db: Db): Promise<void> {
  const log = eventLogRepository(db);
  await eventually(async () => !(await log.hasUnsettled()));
}
