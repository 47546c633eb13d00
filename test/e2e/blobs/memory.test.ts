import { createHash, randomBytes } from 'node:crypto';
import http from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { TOKEN } from '../../../src/api/app-fixture.ts';
import { blobApi } from '../../support/blob-api.ts';
import { spawnBlobServer } from '../../support/blob-process.ts';
import { STORE_KINDS } from '../../support/object-stores.ts';

const MIB = 1_048_576;
const HEADERS = { authorization: `Bearer ${TOKEN}` };

/** So many bytes that are different each time, in small pieces. */
async function* noise(size: number): AsyncGenerator<Buffer> {
  const page = randomBytes(65_536);
  for (let at = 0; at < size; at += page.length) {
    page.writeUInt32BE(at);
    // As a socket would give them: not all bodies come in round numbers.
    yield Buffer.from(page.subarray(0, Math.min(page.length, size - at)));
    await Promise.resolve();
  }
}

async function upload(url: string, size: number): Promise<string> {
  const hash = createHash('sha256');
  const request = http.request(`${url}/api/v1/blobs`, { method: 'PUT', headers: HEADERS });
  const answered = new Promise<http.IncomingMessage>((resolve, reject) => {
    request.once('response', resolve).once('error', reject);
  });
  const hashed = async function* () {
    for await (const piece of noise(size)) {
      hash.update(piece);
      yield piece;
    }
  };
  await pipeline(Readable.from(hashed()), request);
  const answer = await answered;
  answer.resume();
  expect(answer.statusCode).toBe(201);
  return `sha256:${hash.digest('hex')}`;
}

async function download(url: string, cas_id: string, range?: string): Promise<number> {
  const hash = createHash('sha256');
  const headers = { ...HEADERS, ...(range ? { range } : {}) };
  const answer = await new Promise<http.IncomingMessage>((resolve, reject) => {
    http.get(`${url}/api/v1/blobs/${cas_id}`, { headers }, resolve).once('error', reject);
  });
  let size = 0;
  for await (const piece of answer) {
    hash.update(piece as Buffer);
    size += (piece as Buffer).length;
  }
  if (!range) expect(`sha256:${hash.digest('hex')}`).toBe(cas_id);
  return size;
}

it.each(STORE_KINDS)('64 MiB up and down take no more memory than 8 MiB do, in %s', async (kind) => {
  const blobs = await blobApi(kind);
  const { database_url, spool_directory, objects } = blobs;
  const { directory, s3 } = objects;
  const server = await spawnBlobServer({ database_url, spool_directory, directory, s3: s3?.options });
  const { url } = server;
  // What is loaded and grows once has done so then.
  for (let i = 0; i < 3; i += 1) await download(url, await upload(url, 8 * MIB));
  const { rss_bytes: before } = await server.memory();

  const cas_id = await upload(url, 64 * MIB);
  const up = (await server.memory()).peak_bytes - before;
  expect(await download(url, cas_id)).toBe(64 * MIB);
  const down = (await server.memory()).peak_bytes - before;
  expect(await download(url, cas_id, `bytes=1-${60 * MIB}`)).toBe(60 * MIB);
  const range = (await server.memory()).peak_bytes - before;
  const mib = [up, down, range].map((bytes) => Math.round(bytes / MIB));
  await server.kill();
  await blobs.close();
  for (const grown of mib) expect(grown).toBeLessThan(40);
});
