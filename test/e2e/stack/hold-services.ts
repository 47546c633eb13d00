import { startServices } from '../../../src/dev/stack.ts';

/** Run as a process of its own: starts the services, says on one line what came of it, and holds them until a signal. */
const services = await startServices({ durable: false, log: (line) => console.error(line) });
const { database_url, temporal_address } = services;
const pids = { postgres: services.postgres?.pid(), temporal: services.temporal?.pid() };
console.log(JSON.stringify({ database_url, temporal_address, pids }));
process.once('SIGTERM', () => void services.stop());
