import { Readable } from 'node:stream';
import type { S3Client, S3ClientConfig } from '@aws-sdk/client-s3';
import { OBJECT_KEY, ObjectMissing, type ObjectStore } from '../../contract/object-store.ts';
import { storeError } from './store-error.ts';

export interface S3Options {
  bucket: string;
  region: string;
  /** Of a server that is not Amazon's. */
  endpoint?: string;
  /** The bucket goes into the path, not into the host's name. */
  force_path_style: boolean;
  /** Without them the SDK looks for credentials where it always does: environment, profile, role of the machine. */
  credentials?: { access_key_id: string; secret_access_key: string };
}

const CONNECT_TIMEOUT_MS = 5_000;
/** Each download under way holds one connection. */
const MAX_SOCKETS = 200;

/** Objects in a bucket of Amazon S3, or of a server that speaks its protocol. The SDK is loaded when first used. */
export function s3Objects(options: S3Options): ObjectStore {
  const { bucket: Bucket } = options;
  let connecting: ReturnType<typeof connect> | undefined;
  const connected = () => (connecting ??= connect(options));
  return {
    prefix: `s3:${Bucket}/`,
    async put(Key, size_bytes, slices) {
      const { sdk, client } = await connected();
      const Body = Readable.from(copies(slices), { objectMode: false });
      const abort = new AbortController();
      let failed: { error: unknown } | undefined;
      // The SDK does not listen: without this, a source that fails would end the process.
      Body.once('error', (error) => {
        failed ??= { error };
        abort.abort();
      });
      const command = new sdk.PutObjectCommand({ Bucket, Key, Body, ContentLength: size_bytes });
      await client
        .send(command, { abortSignal: abort.signal })
        .catch((error: unknown) => (failed ? Promise.reject(failed.error as Error) : storeError(error)))
        .finally(() => Body.destroy());
    },
    async *read(Key, { start, end }) {
      const { sdk, client } = await connected();
      const command = new sdk.GetObjectCommand({ Bucket, Key, Range: `bytes=${start}-${end - 1}` });
      const { Body, ContentLength } = await client
        .send(command)
        .catch((error: unknown) => missingOr(Key, error));
      try {
        if (ContentLength !== end - start) throw wrongLength(Key, ContentLength ?? 0, end - start);
        for await (const piece of Body as Readable) yield piece as Buffer;
      } catch (error) {
        (Body as Readable).destroy();
        missingOr(Key, error);
      }
    },
    async delete(Key) {
      const { sdk, client } = await connected();
      await client.send(new sdk.DeleteObjectCommand({ Bucket, Key })).catch(storeError);
    },
    async *list() {
      const { sdk, client } = await connected();
      try {
        for await (const page of sdk.paginateListObjectsV2({ client }, { Bucket }))
          for (const { Key = '' } of page.Contents ?? []) if (OBJECT_KEY.test(Key)) yield Key;
      } catch (error) {
        storeError(error);
      }
    },
  };
}

/** A stream asks for the next slice before it is done with this one. */
async function* copies(slices: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  for await (const slice of slices) yield Buffer.from(slice);
}

async function connect(options: S3Options) {
  const sdk = await import('@aws-sdk/client-s3');
  const client: S3Client = new sdk.S3Client(configOf(options));
  return { sdk, client };
}

function configOf({ region, endpoint, force_path_style, credentials }: S3Options): S3ClientConfig {
  return {
    region,
    endpoint,
    forcePathStyle: force_path_style,
    credentials: credentials && {
      accessKeyId: credentials.access_key_id,
      secretAccessKey: credentials.secret_access_key,
    },
    logger: SILENT,
    requestHandler: { connectionTimeout: CONNECT_TIMEOUT_MS, httpsAgent: AGENT, httpAgent: AGENT },
    // Bytes are verified by their hashes; trailers with checksums are more than many servers understand.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  };
}

const AGENT = { maxSockets: MAX_SOCKETS };
const ignore = () => undefined;
/** Otherwise it writes to the console; what goes wrong is in the errors. */
const SILENT = { trace: ignore, debug: ignore, info: ignore, warn: ignore, error: ignore };
const NOT_THERE = new Set(['NoSuchKey', 'NotFound', 'InvalidRange']);

/** Fewer bytes than asked for: they are not there. More: a server that knows no ranges. */
function wrongLength(key: string, actual: number, expected: number): Error {
  return actual < expected ? new ObjectMissing(key) : new Error(`${actual} bytes came for ${expected}`);
}

function missingOr(key: string, error: unknown): never {
  if (error instanceof ObjectMissing) throw error;
  if (error instanceof Error && NOT_THERE.has(error.name)) throw new ObjectMissing(key, error);
  storeError(error);
}
