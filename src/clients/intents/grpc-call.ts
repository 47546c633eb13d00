import { setTimeout as delay } from 'node:timers/promises';
import { status, type Client, type MethodDefinition, type ServiceError } from '@grpc/grpc-js';
import { failureOf } from './grpc-failures.ts';

export interface CallOptions {
  signal: AbortSignal;
  /** For the call with all its attempts. */
  deadline_ms: number;
  /** Including the first. Only a service that is away is asked again: nothing has happened there. */
  max_attempts: number;
}

const FIRST_INTERVAL_MS = 100;

/** One call. Rejects with an `AppError`, or with the reason of the signal. */
export async function call<Q, A>(
  client: Client,
  method: MethodDefinition<Q, A>,
  message: Q,
  { signal, deadline_ms, max_attempts }: CallOptions,
): Promise<A> {
  const deadline = Date.now() + deadline_ms;
  for (let attempt = 1; ; attempt++) {
    signal.throwIfAborted();
    try {
      return await attemptCall(client, method, message, { signal, deadline });
    } catch (error) {
      signal.throwIfAborted();
      const { code } = error as ServiceError;
      const interval_ms = FIRST_INTERVAL_MS * 2 ** (attempt - 1);
      const again =
        code === status.UNAVAILABLE && attempt < max_attempts && Date.now() + interval_ms < deadline;
      if (!again) throw failureOf(error as ServiceError);
      await delay(interval_ms, undefined, { signal }).catch(() => undefined);
    }
  }
}

function attemptCall<Q, A>(
  client: Client,
  { path, requestSerialize, responseDeserialize }: MethodDefinition<Q, A>,
  message: Q,
  { signal, deadline }: { signal: AbortSignal; deadline: number },
): Promise<A> {
  return new Promise((resolve, reject) => {
    const running = client.makeUnaryRequest(
      path,
      requestSerialize,
      responseDeserialize,
      message,
      { deadline },
      (error, answer) => {
        signal.removeEventListener('abort', cancel);
        if (error) reject(error);
        else resolve(answer!);
      },
    );
    const cancel = () => running.cancel();
    signal.addEventListener('abort', cancel, { once: true });
    if (signal.aborted) cancel();
  });
}
