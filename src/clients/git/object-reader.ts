import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { SourceFailure } from '../../contract/source-repository.ts';
import { killGroup, startGit } from './git-process.ts';
import type { Workspace } from './workspace.ts';

export interface ObjectReader {
  /** The bytes of a blob that is there; one after the other. Throws `repository_invalid`, `timeout`. */
  read(blob: string): Promise<Uint8Array>;
  close(): void;
}

interface Waiting {
  blob: string;
  resolve: (bytes: Uint8Array) => void;
  reject: (error: Error) => void;
}

interface Header {
  size: number;
  end: number;
}

const MAX_HEADER_BYTES = 256;

/** One git process that answers with the content of blobs, started at the first question. */
export function objectReader(workspace: Workspace, time_ms: number): ObjectReader {
  let child: ChildProcessWithoutNullStreams | undefined;
  let closed = false;
  let last: Promise<unknown> = Promise.resolve();

  const ask = async (blob: string) => {
    if (closed) throw new SourceFailure('repository_invalid', 'The repository was closed.');
    const asked = (child = isRunning(child) ? child : startReader(workspace));
    try {
      return await answerTo(asked, blob, time_ms);
    } catch (error) {
      // What it still says belongs to a question that nobody waits for any more.
      killGroup(asked);
      child = undefined;
      throw error;
    }
  };
  return {
    read(blob) {
      const answer = last.then(() => ask(blob));
      last = answer.catch(() => undefined);
      return answer;
    },
    close() {
      closed = true;
      if (child) killGroup(child);
    },
  };
}

function isRunning(child?: ChildProcessWithoutNullStreams): child is ChildProcessWithoutNullStreams {
  return child !== undefined && child.exitCode === null && child.signalCode === null;
}

function startReader(workspace: Workspace): ChildProcessWithoutNullStreams {
  const child = startGit(['cat-file', '--batch'], { workspace });
  // Its end tells.
  child.stdin.on('error', () => undefined);
  child.stderr.resume();
  return child;
}

function answerTo(child: ChildProcessWithoutNullStreams, blob: string, time_ms: number): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => done(new SourceFailure('timeout', 'Git took too long.')), time_ms);
    const onEnd = () => done(new SourceFailure('repository_invalid', 'An object could not be read.'));
    const done = (outcome: Error | Uint8Array) => {
      clearTimeout(timer);
      child.stdout.removeListener('data', onData);
      child.off('close', onEnd).off('error', onEnd);
      if (outcome instanceof Error) reject(outcome);
      else resolve(outcome);
    };
    const onData = receiver({ blob, resolve: done, reject: done });
    child.once('close', onEnd).once('error', onEnd);
    child.stdout.on('data', onData);
    child.stdin.write(`${blob}\n`);
  });
}

/** Takes `<id> blob <size>`, a line feed, the bytes and another line feed. */
function receiver({ blob, resolve, reject }: Waiting): (chunk: Buffer) => void {
  const chunks: Buffer[] = [];
  let bytes = 0;
  let header: Header | undefined;
  return (chunk) => {
    chunks.push(chunk);
    bytes += chunk.length;
    if (!header) {
      const start = Buffer.concat(chunks, Math.min(bytes, MAX_HEADER_BYTES));
      const end = start.indexOf(10);
      if (end === -1 && bytes < MAX_HEADER_BYTES) return;
      const [id, kind, size] = start.toString('latin1', 0, end).split(' ');
      if (id !== blob || kind !== 'blob' || !/^\d{1,12}$/.test(size ?? '')) {
        return reject(new SourceFailure('repository_invalid', 'An object of the repository is missing.'));
      }
      header = { size: Number(size), end: end + 1 };
    }
    if (bytes < header.end + header.size + 1) return;
    resolve(Buffer.concat(chunks, bytes).subarray(header.end, header.end + header.size));
  };
}
