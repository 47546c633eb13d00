import type { Base, Store } from './container-store.ts';
import { bulkService } from './domain/bulk.ts';
import type { CommandService } from './domain/run-commands.ts';
import { tuneService } from './domain/tunes.ts';
import { newId } from './ids.ts';
import { bulkRepository } from './persistence/bulk.ts';
import { expireCommands } from './persistence/commands-expiry.ts';

const EXPIRED_AT_ONCE = 1_000;

/** Commands for many runs, and the end of those that came too late. */
export function createBulk({ db, logger }: Base, store: Store, commands: CommandService) {
  const { run_rows: runs, readDefinition } = store;
  return {
    bulk: bulkService({
      rows: bulkRepository(db),
      commands,
      tunes: tuneService({ runs, commands, readDefinition }),
      ids: newId,
      onError: (err, bulk_id) => logger.warn({ err, bulk_id }, 'a bulk command was interrupted'),
    }),
    expireCommands: () => expireCommands(db, EXPIRED_AT_ONCE),
  };
}
