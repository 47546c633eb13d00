import { chmod, mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { devEnvironment, type DevEnvironment } from '../../src/dev/environment.ts';
import { silent, type Log } from '../../src/dev/log.ts';
import { startServices, type Services } from '../../src/dev/stack.ts';

/** The address of the Temporal server that all test files share. Use names of your own in it. */
export function testTemporal(): string {
  const address = process.env.ORCHESTRATOR_TEST_TEMPORAL_ADDRESS;
  if (address) return address;
  throw new Error('ORCHESTRATOR_TEST_TEMPORAL_ADDRESS is not set: run the tests with "npm test"');
}

export interface OwnStackOptions {
  /** An existing directory to start on, to see what survived; a new temporary one when absent. */
  data_dir?: string;
  log?: Log;
  durable?: boolean;
  environment?: Partial<DevEnvironment>;
}

export interface OwnStack extends Services {
  /** Stops the services and removes the directory. */
  remove: () => Promise<void>;
}

/**
 * A PostgreSQL and a Temporal server for one test alone, to be killed at will (`postgres.pid()`,
 * `temporal.pid()`); both come back by themselves on the same ports. Takes about two seconds.
 */
export async function startOwnStack(options: OwnStackOptions = {}): Promise<OwnStack> {
  const data_dir = options.data_dir ?? (await temporaryDataDir());
  const services = await startServices({
    log: options.log ?? silent,
    // Spares fsync, which protects from power cuts only: what is killed with -9 here loses nothing.
    durable: options.durable ?? false,
    environment: testEnvironment(data_dir, options.environment),
  });
  const remove = async () => {
    await services.stop();
    await rm(data_dir, { recursive: true, force: true });
  };
  return { ...services, remove };
}

/** The settings of a stack beside the user's own: any free ports, nothing installed on the system. */
export function testEnvironment(data_dir: string, changes: Partial<DevEnvironment> = {}): DevEnvironment {
  const free = { postgres_port: 0, temporal_port: 0, temporal_ui_port: 0 };
  return { ...devEnvironment(), ...free, setup: 'none', data_dir, ...changes };
}

/** A new directory outside the repository that PostgreSQL's account can pass through. */
export async function temporaryDataDir(prefix = 'orchestrator-own-'): Promise<string> {
  const directory = await mkdtemp(path.join(os.tmpdir(), prefix));
  await chmod(directory, 0o711);
  return directory;
}
