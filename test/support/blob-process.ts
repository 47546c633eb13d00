import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { S3Options } from '../../src/clients/objects/s3.ts';
import { compiled } from './compiled.ts';

export interface BlobServerOptions {
  database_url: string;
  spool_directory: string;
  /** Where large blobs go; the database when neither is given. */
  directory?: string;
  s3?: S3Options;
  /** Hold an upload on its way into the store, for ever. */
  stop_in_put?: boolean;
}

export interface BlobServer {
  url: string;
  /** Memory now, and at most since it was asked last. */
  memory(): Promise<{ rss_bytes: number; peak_bytes: number }>;
  /** Resolves when an upload is held half-way. */
  stopped: Promise<unknown>;
  kill(): Promise<void>;
}

/** A process that serves blobs. */
export async function spawnBlobServer(options: BlobServerOptions): Promise<BlobServer> {
  const child = fork(await compiled('test/support/blob-server'), [JSON.stringify(options)], {
    // Not those of jest.
    execArgv: [],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const { url } = (await message(child, 'url')) as { url: string };
  return {
    url,
    stopped: message(child, 'stopped'),
    memory() {
      child.send('memory');
      return message(child, 'peak_bytes') as Promise<{ rss_bytes: number; peak_bytes: number }>;
    },
    async kill() {
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    },
  };
}

/** The next message with this member; never when the process ends before. */
function message(child: ChildProcess, member: string): Promise<object> {
  return new Promise((resolve) => {
    const listener = (received: object) => {
      if (!(member in received)) return;
      child.off('message', listener);
      resolve(received);
    };
    child.on('message', listener);
  });
}
