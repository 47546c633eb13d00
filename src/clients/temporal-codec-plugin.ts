import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Client, ClientPlugin } from '@temporalio/client';
import type { Payload } from '@temporalio/common';
import type { BundlerPlugin, WorkerPlugin } from '@temporalio/worker';
import { temporalCodec, type CodecSecrets } from './temporal-codec.ts';

/** What client, workers and workflow bundle of a process are made with. */
export type TemporalPlugin = ClientPlugin & WorkerPlugin & BundlerPlugin;

/** Beside the workflows, because it is bundled with them; in the form of this module, source or build. */
const FAILURE_CONVERTER = fileURLToPath(
  new URL(`../../workflows/failure-converter${path.extname(import.meta.url)}`, import.meta.url),
);

/**
 * Encrypts what this process sends to Temporal and decrypts what comes from there. With a current key the messages and
 * stack traces of failures are encrypted as well; the bundle of the workflows is another one then, which the name tells.
 */
export function codecPlugin(secrets: CodecSecrets): TemporalPlugin {
  const is_writing = secrets.current !== undefined;
  const failures = is_writing ? { failureConverterPath: FAILURE_CONVERTER } : {};
  const dataConverter = { payloadCodecs: [temporalCodec(secrets)], ...failures };
  return {
    name: is_writing ? 'encrypting' : 'decrypting',
    configureClient: (options) => ({ ...options, dataConverter }),
    configureWorker: (options) => ({ ...options, dataConverter }),
    configureBundler: (options) => ({ ...options, ...failures }),
  };
}

/** The value of a payload that did not pass through the SDK's own reading. Rejects with `PayloadCodecError`. */
export async function payloadValue<T>(client: Client, payload: Payload): Promise<T> {
  const { payloadCodecs, payloadConverter } = client.options.loadedDataConverter;
  let payloads = [payload];
  for (const codec of payloadCodecs.toReversed()) payloads = await codec.decode(payloads);
  return payloadConverter.fromPayload<T>(payloads[0]!);
}
