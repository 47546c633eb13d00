import type { IncomingHttpHeaders } from 'node:http';
import { AppError } from '../../contract/errors.ts';
import type { ByteRange } from '../../contract/object-store.ts';
import type { BlobService } from '../../domain/blobs.ts';
import { byteRange } from '../../domain/rules/byte-range.ts';
import { sendBytes } from '../byte-stream.ts';
import { bodyPieces } from '../middleware/body.ts';
import { type Call, route, type Route, STREAMED } from '../route.ts';
import { blobParams, blobView, mediaType } from '../schemas/blobs.ts';

interface Deps {
  blobs: BlobService;
  /** A reader that takes nothing for so long is cut off. */
  stall_ms?: number;
}

interface Described {
  cas_id: string;
  media_type: string;
  size_bytes: number;
}

const group = 'blobs';
const STALL_MS = 60_000;
/** The name of a blob is its content, so what a client has it may keep. */
const FOR_EVER = 'private, max-age=31536000, immutable';
const headers = { ETag: 'The cas_id, in quotes.' };
const described = { ...headers, 'Accept-Ranges': 'Always `bytes`.' };
const stored = { schema: blobView, headers };

/** Blobs: immutable bytes named by their hash. */
export function blobRoutes(deps: Deps): Route[] {
  return [putRoute(deps), putNamedRoute(deps), getRoute(deps), headRoute(deps)];
}

const upload = {
  method: 'put',
  group,
  raw_body: true,
  // The name is the content: doing it twice is doing it once.
  idempotent: false,
  responses: {
    200: { description: 'The project had it.', ...stored },
    201: { description: 'Stored.', ...stored },
  },
} as const;

const putRoute = ({ blobs }: Deps) =>
  route({
    ...upload,
    path: '/blobs',
    summary: 'Store bytes; the answer names them.',
    handler: (call) => receive(blobs, call),
  });

const putNamedRoute = ({ blobs }: Deps) =>
  route({
    ...upload,
    path: '/blobs/:cas_id',
    summary: 'Store bytes that must have this hash.',
    params: blobParams,
    handler: (call) => receive(blobs, call, call.params.cas_id),
  });

const getRoute = ({ blobs, stall_ms = STALL_MS }: Deps) =>
  route({
    method: 'get',
    path: '/blobs/:cas_id',
    group,
    summary: 'The bytes of a blob, or one range of them; verified.',
    params: blobParams,
    responses: {
      200: { description: 'The bytes.', media_type: '*/*', headers: described },
      206: {
        description: 'The bytes that `Range` asks for.',
        media_type: '*/*',
        headers: { ...described, 'Content-Range': 'Which bytes, and of how many.' },
      },
      304: { description: 'The caller has it.', headers },
      410: { description: 'It was collected.' },
      416: { description: 'It has no such bytes.' },
    },
    async handler({ params: { cas_id }, project_id, req, res }) {
      if (isKnown(req.headers, cas_id)) return notModified(await blobs.head(project_id, cas_id));
      const blob = await blobs.open(project_id, cas_id);
      const range = rangeOf(req.headers, blob);
      const { start, end } = range ?? { start: 0, end: blob.size_bytes };
      const answer = {
        status: range ? 206 : 200,
        headers: { ...headersOf(blob), ...(range ? contentRange(range, blob) : {}) },
        length_bytes: end - start,
        pieces: blob.read(range),
      };
      return sendBytes(res, answer, stall_ms);
    },
  });

const headRoute = ({ blobs }: Deps) =>
  route({
    method: 'head',
    path: '/blobs/:cas_id',
    group,
    summary: 'Whether a blob is there, and how large it is.',
    params: blobParams,
    responses: {
      200: { description: 'It is.', headers: described },
      304: { description: 'The caller has it.', headers },
      410: { description: 'It was collected.' },
    },
    async handler({ params: { cas_id }, project_id, req, res }) {
      const blob = await blobs.head(project_id, cas_id);
      if (isKnown(req.headers, cas_id)) return notModified(blob);
      res.writeHead(200, { ...headersOf(blob), 'Content-Length': blob.size_bytes }).end();
      return STREAMED;
    },
  });

async function receive(
  blobs: BlobService,
  { req, project_id }: Pick<Call<never, never, never>, 'req' | 'project_id'>,
  expected?: string,
) {
  const length = req.headers['content-length'];
  const { created, ...blob } = await blobs.receive(project_id, bodyPieces(req), {
    media_type: mediaTypeOf(req.headers),
    expected,
    announced_bytes: length === undefined ? undefined : Number(length),
  });
  return {
    status: created ? 201 : 200,
    body: blob,
    headers: { ETag: `"${blob.cas_id}"`, Location: `/api/v1/blobs/${blob.cas_id}` },
  };
}

/** What the bytes are to be called. A compressed transfer would leave it open which bytes are meant. */
function mediaTypeOf({ 'content-type': type, 'content-encoding': encoding }: IncomingHttpHeaders): string {
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity')
    throw new AppError('unsupported_media_type', { detail: 'A compressed body is not accepted.' });
  const parsed = mediaType.safeParse(type);
  if (parsed.success) return parsed.data;
  throw new AppError('unsupported_media_type', { detail: 'Content-Type is no media type.' });
}

const headersOf = ({ cas_id, media_type }: Described) => ({
  ETag: `"${cas_id}"`,
  'Cache-Control': FOR_EVER,
  'Accept-Ranges': 'bytes',
  'Content-Type': media_type,
});

const contentRange = ({ start, end }: ByteRange, { size_bytes }: Described) => ({
  'Content-Range': `bytes ${start}-${end - 1}/${size_bytes}`,
});

const notModified = ({ cas_id }: Described) => ({
  status: 304,
  headers: { ETag: `"${cas_id}"`, 'Cache-Control': FOR_EVER },
});

function isKnown({ 'if-none-match': known }: IncomingHttpHeaders, cas_id: string): boolean {
  return known !== undefined && (known.trim() === '*' || known.includes(`"${cas_id}"`));
}

/** The range to send; undefined for all of it, also when the caller has a part of something else. */
function rangeOf(
  { range, 'if-range': if_range }: IncomingHttpHeaders,
  { cas_id, size_bytes }: Described,
): ByteRange | undefined {
  if (range === undefined) return undefined;
  if (typeof if_range === 'string' && if_range.trim() !== `"${cas_id}"`) return undefined;
  const asked = byteRange(range, size_bytes);
  if (asked === 'unsatisfiable') throw new AppError('range_not_satisfiable', { extra: { size_bytes } });
  return asked === 'whole' ? undefined : asked;
}
