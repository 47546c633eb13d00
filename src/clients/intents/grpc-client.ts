import { Client, credentials, type ChannelCredentials } from '@grpc/grpc-js';
import type { IntentService } from '../../contract/intent.ts';
import { call } from './grpc-call.ts';
import { badAnswer } from './grpc-failures.ts';
import { fromBytes, toBytes } from './json-bytes.ts';
import { healthService, INTENT_SERVICE, intentService } from './proto-file.ts';
import * as schemas from './schemas.ts';
import { readPlan, writeRequest } from './wire.ts';

export interface GrpcIntentsOptions {
  /** `host:port`. */
  address: string;
  /** TLS, with these certificates (PEM) trusted in place of the system's; `{}` for the system's. Absent: in clear. */
  tls?: { ca?: string };
  deadline_ms?: number;
  max_attempts?: number;
  /** Of one message in either direction. */
  max_message_bytes?: number;
}

export interface GrpcIntents extends IntentService {
  /** Whether the service says that it serves; false for no answer within the time. */
  isHealthy(options: { timeout_ms: number; signal: AbortSignal }): Promise<boolean>;
  close(): void;
}

const MIB = 1024 * 1024;

/**
 * The intent service at an address. Nothing that it answers is trusted: what is no analysis, no definition's outline or no
 * list of questions rejects with `overloaded`, as a service does that is away or too slow.
 */
export function grpcIntents(options: GrpcIntentsOptions): GrpcIntents {
  const { deadline_ms = 30_000, max_attempts = 3, max_message_bytes = 4 * MIB } = options;
  const client = new Client(options.address, credentialsOf(options.tls), {
    'grpc.max_receive_message_length': max_message_bytes,
    'grpc.max_send_message_length': max_message_bytes,
    // Attempts are counted in one place.
    'grpc.enable_retries': 0,
  });
  const limits = { deadline_ms, max_attempts };
  return {
    async analyse(request, { signal }) {
      const message = writeRequest(request);
      const answer = await call(client, intentService.Analyze, message, { ...limits, signal });
      const checked = schemas.analysis.safeParse(fromBytes(answer.analysis_json));
      if (!checked.success) throw badAnswer('analysis', checked.error);
      return checked.data;
    },
    async plan(request, analysis, { signal }) {
      const message = { request: writeRequest(request), analysis_json: toBytes(analysis) };
      const read = readPlan(await call(client, intentService.Plan, message, { ...limits, signal }));
      if (!read) throw badAnswer('plan');
      if ('definition' in read) {
        const checked = schemas.outline.safeParse(read.definition);
        if (!checked.success) throw badAnswer('definition', checked.error);
        return { definition: checked.data };
      }
      const checked = schemas.questions.safeParse(read.questions);
      if (!checked.success || checked.data.length === 0) throw badAnswer('list of questions', checked.error);
      return { questions: checked.data };
    },
    async isHealthy({ timeout_ms, signal }) {
      const attempt = { signal, deadline_ms: timeout_ms, max_attempts: 1 };
      const answer = await call(client, healthService.Check, { service: INTENT_SERVICE }, attempt).catch(
        () => undefined,
      );
      return answer?.status === 'SERVING';
    },
    close: () => client.close(),
  };
}

function credentialsOf(tls: GrpcIntentsOptions['tls']): ChannelCredentials {
  if (!tls) return credentials.createInsecure();
  return credentials.createSsl(tls.ca === undefined ? null : Buffer.from(tls.ca));
}
