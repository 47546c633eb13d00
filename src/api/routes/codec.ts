import type { PayloadService } from '../../domain/payloads.ts';
import { route, type Route } from '../route.ts';
import { payloadsBody, payloadsView } from '../schemas/codec.ts';

export interface CodecDeps {
  payloads: PayloadService;
  /** Where Temporal Web UIs are, whose pages may ask. */
  codec_origins: readonly string[];
}

/** Temporal's codec protocol: what tools have from Temporal, in clear text and back. Its content is of every project. */
export function codecRoutes({ payloads, codec_origins }: CodecDeps): Route[] {
  const common = {
    method: 'post',
    group: 'platform',
    installation: true,
    role: 'owner',
    permission: 'installation:administer',
    body: payloadsBody,
    // A payload may be as large as Temporal takes them, and base64 adds a third.
    body_limit: 'blob_bytes',
    origins: codec_origins,
    // It reads, as GET does, and nothing of what it answers is to be kept.
    audited: false,
    idempotent: false,
  } as const;
  const responses = { 200: { description: 'As many, in the same order.', schema: payloadsView } };
  const answer = (found: Awaited<ReturnType<PayloadService['decode']>>) => ({
    status: 200,
    body: { payloads: found },
    headers: { 'Cache-Control': 'no-store' },
  });
  return [
    route({
      ...common,
      path: '/codec/decode',
      summary: 'Decrypt payloads of Temporal, for Temporal Web UI and the `temporal` program.',
      responses,
      handler: async ({ body }) => answer(await payloads.decode(body.payloads)),
    }),
    route({
      ...common,
      path: '/codec/encode',
      summary: 'Encrypt payloads on their way to Temporal, for Temporal Web UI and the `temporal` program.',
      responses,
      handler: async ({ body }) => answer(await payloads.encode(body.payloads)),
    }),
  ];
}
