import { createWriteStream } from 'node:fs';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { extract } from 'tar-stream';
import { EnvHttpProxyAgent, fetch } from 'undici';
import { CLI_VERSION, type CliSource } from './temporal-source.ts';

/** Short: a machine without internet must not hold up the other sources. */
const ANSWER_TIMEOUT_MS = 5_000;
const BODY_TIMEOUT_MS = 300_000;

const PLATFORMS: Partial<Record<NodeJS.Platform, string>> = { linux: 'linux', darwin: 'darwin' };
const ARCHITECTURES: Partial<Record<NodeJS.Architecture, string>> = { x64: 'amd64', arm64: 'arm64' };

/** Fetches the CLI from Temporal's own download site. */
export const downloadOfficial: CliSource = async (directory, log) => {
  const platform = PLATFORMS[process.platform];
  const arch = ARCHITECTURES[process.arch];
  if (!platform || !arch)
    throw new Error(`temporal.download has no build for ${process.platform} ${process.arch}`);
  const url = `https://temporal.download/cli/archive/v${CLI_VERSION}?platform=${platform}&arch=${arch}`;
  log(`Fetching the Temporal CLI ${CLI_VERSION} from temporal.download (official; about 45 MB, once)`);
  const program = path.join(directory, 'temporal');
  try {
    await pipeline(await bodyOf(url), createGunzip(), unpackTo(program));
  } catch (error) {
    throw new Error(`temporal.download could not be used: ${reasonOf(error)}`, { cause: error });
  }
  return program;
};

async function bodyOf(url: string): Promise<Readable> {
  const deadline = new AbortController();
  const answerTimer = setTimeout(() => deadline.abort(new Error('no answer in time')), ANSWER_TIMEOUT_MS);
  try {
    const response = await fetch(url, {
      signal: AbortSignal.any([deadline.signal, AbortSignal.timeout(BODY_TIMEOUT_MS)]),
      dispatcher: new EnvHttpProxyAgent({ connectTimeout: ANSWER_TIMEOUT_MS }),
    });
    if (!response.ok || !response.body) throw new Error(`HTTP status ${response.status}`);
    return Readable.fromWeb(response.body);
  } finally {
    clearTimeout(answerTimer);
  }
}

function unpackTo(program: string): NodeJS.WritableStream {
  const archive = extract();
  let found = false;
  archive.on('entry', (header, stream, next) => {
    if (path.basename(header.name) !== 'temporal' || header.type !== 'file') {
      stream.resume();
      stream.on('end', next);
      return;
    }
    found = true;
    pipeline(stream, createWriteStream(program)).then(() => next(), next);
  });
  archive.on('finish', () => {
    if (!found) archive.destroy(new Error('the archive holds no `temporal`'));
  });
  return archive;
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}
