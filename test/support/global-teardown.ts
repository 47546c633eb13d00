import { rm } from 'node:fs/promises';
import type { TestRun } from './global-setup.ts';
import { onServer } from './database.ts';

/** Stops what global-setup started; servers given from outside only lose their template database. */
export default async function globalTeardown(): Promise<void> {
  const run = (globalThis as { orchestratorTestRun?: TestRun }).orchestratorTestRun;
  if (!run) return;
  const { services, template } = run;
  if (!services.postgres)
    await onServer(services.database_url, `DROP DATABASE IF EXISTS ${template} WITH (FORCE)`);
  await services.stop();
  await rm(services.data_dir, { recursive: true, force: true });
}
