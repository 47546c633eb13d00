import type { BundleService } from '../../domain/bundles.ts';
import { BUNDLE_MEDIA_TYPE } from '../../domain/rules/bundle-format.ts';
import { sendBytes } from '../byte-stream.ts';
import { bodyPieces } from '../middleware/body.ts';
import { route, type Route } from '../route.ts';
import { exportQuery, importQuery, importView, negotiateBody, negotiateView } from '../schemas/bundles.ts';
import { workflowParams } from '../schemas/workflows.ts';
import { callerOf } from './tags-views.ts';

interface Deps {
  bundles: BundleService;
  /** A reader that takes nothing for so long is cut off. */
  stall_ms?: number;
}

const group = 'workflows';
const STALL_MS = 60_000;
const PIECE_BYTES = 65_536;

/** Workflows with their history, as files. */
export function bundleRoutes(deps: Deps): Route[] {
  return [exportRoute(deps), importRoute(deps), negotiateRoute(deps)];
}

const exportRoute = ({ bundles, stall_ms = STALL_MS }: Deps) =>
  route({
    method: 'get',
    path: '/workflows/:ref/bundle',
    group,
    summary: 'A workflow, one of its tags ("/" in the name) or a version, with its history as one file.',
    params: workflowParams,
    query: exportQuery,
    responses: {
      200: { description: 'The bundle: one JSON object per line.', media_type: BUNDLE_MEDIA_TYPE },
      409: { description: 'The workflow has no version yet, or a history longer than a bundle may be.' },
      410: { description: 'The version was collected.' },
    },
    async handler({ params, query, project_id, res }) {
      const { name, lines } = await bundles.export(project_id, { ref: params.ref, have: query.have });
      const headers = {
        'Content-Type': BUNDLE_MEDIA_TYPE,
        'Content-Disposition': `attachment; filename="${name}.bundle"`,
        'Cache-Control': 'no-store',
      };
      return sendBytes(res, { status: 200, headers, pieces: inPieces(lines) }, stall_ms);
    },
  });

const importRoute = ({ bundles }: Deps) =>
  route({
    method: 'post',
    path: '/workflows/import',
    group,
    summary: 'Take a bundle in: all of it or nothing.',
    query: importQuery,
    raw_body: true,
    raw_limit: 'bundle_bytes',
    body_media_types: [BUNDLE_MEDIA_TYPE],
    // What a bundle holds is named by its content: taking it in twice is doing it once.
    idempotent: false,
    responses: {
      200: { description: 'What was new, and what became of each tag.', schema: importView },
      409: {
        description: 'It builds on what is not here, or a tag cannot be moved and `on_conflict` is `fail`.',
      },
      410: { description: 'What it builds on was collected while it came.' },
    },
    async handler(call) {
      const report = await bundles.import(callerOf(call), bodyPieces(call.req), call.query);
      return { status: 200, body: report };
    },
  });

const negotiateRoute = ({ bundles }: Deps) =>
  route({
    method: 'post',
    path: '/workflows/import/negotiate',
    group,
    summary: 'Which of these versions are here.',
    role: 'viewer',
    body: negotiateBody,
    // It changes nothing, and the answer of an hour ago is of no use.
    idempotent: false,
    responses: { 200: { description: 'Both kinds, in the order asked.', schema: negotiateView } },
    async handler({ body, project_id }) {
      return { status: 200, body: await bundles.negotiate(project_id, body.version_hashes) };
    },
  });

/** Lines together, so that small ones do not each cost a packet. */
async function* inPieces(lines: AsyncIterable<string>): AsyncGenerator<Buffer> {
  let text = '';
  for await (const line of lines) {
    text += line;
    if (text.length < PIECE_BYTES) continue;
    yield Buffer.from(text);
    text = '';
  }
  yield Buffer.from(text);
}
