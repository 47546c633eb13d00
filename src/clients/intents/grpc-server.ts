import {
  Server,
  ServerCredentials,
  status,
  type handleUnaryCall,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import type { z } from 'zod';
import { AppError } from '../../contract/errors.ts';
import type { IntentService } from '../../contract/intent.ts';
import { statusOf } from './grpc-failures.ts';
import { fromBytes, toBytes } from './json-bytes.ts';
import {
  healthService,
  INTENT_SERVICE,
  intentService,
  type WireAnalysis,
  type WireHealth,
  type WirePlan,
  type WirePlanRequest,
  type WireRequest,
} from './proto-file.ts';
import * as schemas from './schemas.ts';
import { readRequest, writePlan } from './wire.ts';

export interface IntentServerOptions {
  service: IntentService;
  /** `host:port`; port 0 for a free one. */
  address: string;
  /** PEM. Absent: in clear. */
  tls?: { cert: string; key: string };
  max_message_bytes?: number;
  /** What goes wrong inside; callers only learn that it did. */
  onError?: (error: unknown) => void;
}

export interface IntentServer {
  port: number;
  /** Takes no more calls, lets those in flight end for so long, and cancels the rest. */
  stop(options: { grace_ms: number }): Promise<void>;
}

const MIB = 1024 * 1024;

/** Serves an intent service, and `grpc.health.v1.Health`, at an address. Rejects when the address cannot be had. */
export async function serveIntents(options: IntentServerOptions): Promise<IntentServer> {
  const { service, address, tls, max_message_bytes = 4 * MIB, onError } = options;
  const server = new Server({
    'grpc.max_receive_message_length': max_message_bytes,
    'grpc.max_send_message_length': max_message_bytes,
    'grpc.max_concurrent_streams': 100,
  });
  const health = { serving: true };
  server.addService(intentService, intentMethods(service, onError));
  server.addService(healthService, healthMethods(health));
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(address, credentialsOf(tls), (error, bound) => (error ? reject(error) : resolve(bound)));
  });
  return {
    port,
    stop({ grace_ms }) {
      health.serving = false;
      return new Promise((resolve) => {
        const timer = setTimeout(() => server.forceShutdown(), grace_ms);
        server.tryShutdown(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    },
  };
}

function credentialsOf(tls: IntentServerOptions['tls']): ServerCredentials {
  if (!tls) return ServerCredentials.createInsecure();
  return ServerCredentials.createSsl(null, [
    { cert_chain: Buffer.from(tls.cert), private_key: Buffer.from(tls.key) },
  ]);
}

function intentMethods(
  service: IntentService,
  onError?: (error: unknown) => void,
): UntypedServiceImplementation {
  return {
    Analyze: unary<WireRequest, WireAnalysis>(onError, async (message, signal) => {
      const request = checked(schemas.request, readRequest(message), '/request');
      return { analysis_json: toBytes(await service.analyse(request, { signal })) };
    }),
    Plan: unary<WirePlanRequest, WirePlan>(onError, async (message, signal) => {
      const request = checked(
        schemas.request,
        message.request ? readRequest(message.request) : undefined,
        '/request',
      );
      const analysis = checked(schemas.analysis, fromBytes(message.analysis_json), '/analysis');
      return writePlan(await service.plan(request, analysis, { signal }));
    }),
  };
}

function healthMethods(health: { serving: boolean }): UntypedServiceImplementation {
  const check: handleUnaryCall<{ service: string }, WireHealth> = ({ request }, answer) => {
    const known = request.service === '' || request.service === INTENT_SERVICE;
    if (known) answer(null, { status: health.serving ? 'SERVING' : 'NOT_SERVING' });
    else answer({ code: status.NOT_FOUND, details: 'no such service' });
  };
  return { Check: check as UntypedServiceImplementation[string] };
}

function unary<Q, A>(
  onError: ((error: unknown) => void) | undefined,
  work: (message: Q, signal: AbortSignal) => Promise<A>,
): UntypedServiceImplementation[string] {
  const handle: handleUnaryCall<Q, A> = (incoming, answer) => {
    const controller = new AbortController();
    incoming.on('cancelled', () => controller.abort(new Error('The caller has gone.')));
    work(incoming.request, controller.signal).then(
      (message) => answer(null, message),
      (error: unknown) => {
        if (!(error instanceof AppError) && !controller.signal.aborted) onError?.(error);
        answer(statusOf(error));
      },
    );
  };
  return handle as UntypedServiceImplementation[string];
}

function checked<T>(schema: z.ZodType<T>, value: unknown, at: string): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const errors = result.error.issues.map(({ path, message }) => ({
    path: [at, ...path.map(String)].join('/'),
    message,
  }));
  throw new AppError('validation_failed', { errors });
}
