import { AppError } from '../../contract/errors.ts';
import type { BlobService } from '../../domain/blobs.ts';
import { type Call, route, type Route, STREAMED } from '../route.ts';
import { blobParams, blobView } from '../schemas/blobs.ts';

interface Deps {
  blobs: BlobService;
}

const group = 'blobs';
const DEFAULT_MEDIA_TYPE = 'application/octet-stream';
/** The name of a blob is its content, so what a client has it may keep. */
const FOR_EVER = 'private, max-age=31536000, immutable';
const headers = { ETag: 'The cas_id, in quotes.' };
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

const getRoute = ({ blobs }: Deps) =>
  route({
    method: 'get',
    path: '/blobs/:cas_id',
    group,
    summary: 'The bytes of a blob, verified.',
    params: blobParams,
    responses: {
      200: { description: 'The bytes.', media_type: '*/*', headers },
      304: { description: 'The caller has it.' },
    },
    async handler({ params: { cas_id }, project_id, req }) {
      if (matches(req.headers['if-none-match'], cas_id)) {
        await blobs.head(project_id, cas_id);
        return { status: 304, headers: describe(cas_id) };
      }
      const { bytes, media_type } = await blobs.get(project_id, cas_id);
      return { status: 200, body: bytes, headers: { ...describe(cas_id), 'Content-Type': media_type } };
    },
  });

const headRoute = ({ blobs }: Deps) =>
  route({
    method: 'head',
    path: '/blobs/:cas_id',
    group,
    summary: 'Whether a blob is there, and how large it is.',
    params: blobParams,
    responses: { 200: { description: 'It is.', headers } },
    async handler({ params: { cas_id }, project_id, res }) {
      const { media_type, size_bytes } = await blobs.head(project_id, cas_id);
      res
        .writeHead(200, { ...describe(cas_id), 'Content-Type': media_type, 'Content-Length': size_bytes })
        .end();
      return STREAMED;
    },
  });

async function receive(
  blobs: BlobService,
  { req, project_id }: Pick<Call<never, never, never>, 'req' | 'project_id'>,
  expected?: string,
) {
  const media_type = req.headers['content-type'] ?? DEFAULT_MEDIA_TYPE;
  const length = req.headers['content-length'];
  const announced_bytes = length === undefined ? undefined : Number(length);
  const { created, ...blob } = await blobs.receive(project_id, chunksOf(req), {
    media_type,
    expected,
    announced_bytes,
  });
  return {
    status: created ? 201 : 200,
    body: blob,
    headers: { ETag: `"${blob.cas_id}"`, Location: `/api/v1/blobs/${blob.cas_id}` },
  };
}

/** The body piece by piece. Stopping early must not cut the connection: the caller is to read why. */
async function* chunksOf(req: Call<never, never, never>['req']): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of req.iterator({ destroyOnReturn: false })) yield chunk as Buffer;
  } catch (cause) {
    throw new AppError('malformed_request', { detail: 'The body ended early.', cause });
  } finally {
    if (!req.complete) req.resume();
  }
}

const describe = (cas_id: string) => ({ ETag: `"${cas_id}"`, 'Cache-Control': FOR_EVER });

const matches = (header: string | undefined, cas_id: string): boolean =>
  header !== undefined && (header.trim() === '*' || header.includes(`"${cas_id}"`));
