import { promisify } from 'node:util';
import { brotliDecompress, gunzip, inflate, inflateRaw } from 'node:zlib';
import { httpFailure } from './http-failure.ts';

type Decoder = (bytes: Uint8Array, options: { maxOutputLength: number }) => Promise<Uint8Array>;

/** What the encodings of a body are read with. `deflate` means zlib's format, but servers also send it bare. */
const DECODERS: Readonly<Record<string, Decoder>> = {
  gzip: promisify(gunzip),
  'x-gzip': promisify(gunzip),
  br: promisify(brotliDecompress),
  deflate: (bytes, options) => (((bytes[0] ?? 0) & 0x0f) === 8 ? zlibInflate : rawInflate)(bytes, options),
};
const zlibInflate: Decoder = promisify(inflate);
const rawInflate: Decoder = promisify(inflateRaw);

/** Nobody encodes more often for a good reason; each one more is another pass over the largest body. */
const MAX_ENCODINGS = 2;

export interface BodyRequest {
  host: string;
  max_bytes: number;
}

/** Reads a body to its end, or stops as soon as it is too large: `response_too_large`. */
export async function collect(
  body: AsyncIterable<Uint8Array>,
  { host, max_bytes }: BodyRequest,
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > max_bytes) throw httpFailure('response_too_large', host);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, size);
}

/**
 * Takes off the content encodings. Each layer is bounded while it is unpacked, so a bomb costs no more memory than
 * the largest body. Answers undefined when there is nothing to take off or an encoding is not known here.
 */
export async function decode(
  bytes: Uint8Array,
  encoding: string,
  request: BodyRequest,
): Promise<Uint8Array | undefined> {
  const names = encoding
    .toLowerCase()
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '' && name !== 'identity');
  const decoders = names
    .map((name) => (Object.hasOwn(DECODERS, name) ? DECODERS[name] : undefined))
    .reverse();
  if (bytes.length === 0 || decoders.length === 0 || decoders.includes(undefined)) return undefined;
  if (decoders.length > MAX_ENCODINGS) throw httpFailure('response_invalid', request.host);
  let decoded = bytes;
  for (const decoder of decoders) decoded = await decoder!(decoded, { maxOutputLength: request.max_bytes });
  return decoded;
}
