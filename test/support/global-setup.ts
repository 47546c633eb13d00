import { randomUUID } from 'node:crypto';
import { readdir, rm, stat } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { liveRecord } from '../../src/dev/service-record.ts';
import { devEnvironment } from '../../src/dev/environment.ts';
import { endProcess } from '../../src/dev/child.ts';
import { identityOf } from '../../src/dev/process-identity.ts';
import { startServices, type Services } from '../../src/dev/stack.ts';
import { migrate } from '../../src/persistence/migrate.ts';
import { databaseUrl, onServer } from './database.ts';
import { temporaryDataDir, testEnvironment } from './stack.ts';

/** What global-teardown has to undo. Both run in the same process. */
export interface TestRun {
  services: Services;
  template: string;
}

const PREFIX = 'orchestrator-test-';

/**
 * Starts one PostgreSQL and one Temporal server for the whole run and migrates the template database
 * that every test file copies. Set ORCHESTRATOR_TEST_DATABASE_URL and ORCHESTRATOR_TEST_TEMPORAL_ADDRESS
 * to keep servers running over several runs.
 */
export default async function globalSetup(): Promise<void> {
  await removeAbandoned();
  const data_dir = await temporaryDataDir(`${PREFIX}${process.pid}-`);
  try {
    const services = await startServices({
      database_url: process.env.ORCHESTRATOR_TEST_DATABASE_URL || undefined,
      temporal_address: process.env.ORCHESTRATOR_TEST_TEMPORAL_ADDRESS || undefined,
      environment: testEnvironment(data_dir, { setup: devEnvironment().setup }),
      durable: false,
      log: (line) => process.stderr.write(`test stack: ${line}\n`),
    });
    const template = await makeTemplate(services);
    process.env.ORCHESTRATOR_TEST_DATABASE_URL = services.database_url;
    process.env.ORCHESTRATOR_TEST_TEMPORAL_ADDRESS = services.temporal_address;
    process.env.ORCHESTRATOR_TEST_TEMPLATE = template;
    process.env.ORCHESTRATOR_TEST_BUILD = path.join(data_dir, 'build');
    (globalThis as { orchestratorTestRun?: TestRun }).orchestratorTestRun = { services, template };
  } catch (error) {
    // There is no teardown after a failed setup.
    await rm(data_dir, { recursive: true, force: true });
    throw error;
  }
}

async function makeTemplate(services: Services): Promise<string> {
  const template = `template_${randomUUID().replaceAll('-', '')}`;
  try {
    await onServer(services.database_url, `CREATE DATABASE ${template}`);
    await migrate(databaseUrl(services.database_url, template));
    return template;
  } catch (error) {
    await services.stop();
    throw error;
  }
}

/** Ends and removes what runs that were killed left in the temporary directory. */
async function removeAbandoned(): Promise<void> {
  for (const name of await readdir(os.tmpdir())) {
    const owner = new RegExp(`^${PREFIX}(\\d+)-`).exec(name)?.[1];
    if (!owner || identityOf(Number(owner))) continue;
    const directory = path.join(os.tmpdir(), name);
    // The temporary directory is everyone's; what others put there must not make us end processes.
    const holder = await stat(directory).catch(() => undefined);
    if (!holder || holder.uid !== process.getuid?.()) continue;
    for (const service of ['postgres', 'temporal']) {
      const left = await liveRecord(path.join(directory, `${service}.service.json`)).catch(() => undefined);
      if (left) await endProcess(left, [{ signal: 'SIGQUIT', wait_ms: 5_000 }]).catch(() => false);
    }
    await rm(directory, { recursive: true, force: true }).catch(() => undefined);
  }
}
