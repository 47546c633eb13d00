import { mkdtemp, rm, symlink } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { freePort, ownServer, type OwnServer } from './own-server.ts';
import { onPath, systemProgram, type Available } from './system-programs.ts';

export interface TestRedis extends OwnServer {
  /** host:port */
  address: string;
  password: string;
  remove(): Promise<void>;
}

/** A real Redis on a free port, keeping nothing; started. */
export async function testRedis(): Promise<Available<TestRedis>> {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'orchestrator-redis-'));
  try {
    const file = await program(directory);
    const port = await freePort();
    const password = 'redis-of-a-test';
    const args = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
    const server = ownServer({ file, args: [...args, '--requirepass', password], cwd: directory, port });
    await server.start();
    const remove = async () => {
      await server.kill();
      await rm(directory, { recursive: true, force: true });
    };
    return { server: { ...server, address: `127.0.0.1:${port}`, password, remove } };
  } catch (error) {
    await rm(directory, { recursive: true, force: true });
    return { missing: (error as Error).message };
  }
}

/**
 * The package redis-server would start a service of the system. The program of redis-tools is the same one: by which name it
 * is called says what it does.
 */
async function program(directory: string): Promise<string> {
  const found = onPath('redis-server');
  if (found) return found;
  const file = path.join(directory, 'redis-server');
  await symlink(await systemProgram('redis-check-rdb', 'redis-tools'), file);
  return file;
}
