import { AppError } from '../contract/errors.ts';
import type { IdempotencyRepository, KeyScope, StoredAnswer } from '../persistence/idempotency.ts';
import { idempotencySeal } from './idempotency-seal.ts';
import type { SealedBox } from './sealed-box.ts';

export interface KeyedRequest extends KeyScope {
  /** Digest of what was asked; the same key with another digest is a mistake of the caller. */
  request_hash: string;
  /** Something secret is in what is asked or answered: neither can be read in the database. */
  is_secret?: boolean;
}

/** The right to run a request; exactly one of its methods ends it. */
export interface Held {
  /** Keeps the answer for the next request with this key. */
  complete(answer: StoredAnswer): Promise<void>;
  /** Lets the next request with this key run again. */
  release(): Promise<void>;
}

export type Begun = { held: Held } | { replay: StoredAnswer };

export interface IdempotencyService {
  /** The right to run this request, or its first answer. Throws `idempotency_mismatch` and `idempotency_in_flight`. */
  begin(request: KeyedRequest): Promise<Begun>;
  /** Deletes what is older than the time keys are kept; says how many. */
  sweep(): Promise<number>;
}

export interface IdempotencyOptions {
  keys: IdempotencyRepository;
  /** Seals answers that are secret. */
  box: SealedBox;
  newId: () => string;
  /** Told what went wrong in the background: renewing a lock, sweeping. */
  onError?: (error: unknown) => void;
  /** A holder that is silent for so long is taken for dead. */
  lock_seconds?: number;
  keep_seconds?: number;
  sweep_every_ms?: number;
  now_ms?: () => number;
}

const SWEEP_BATCH = 1_000;
const RETRY_AFTER_SECONDS = 1;

/** Makes a request with an idempotency key run once. One statement to begin, one to end. */
export function idempotencyService(options: IdempotencyOptions): IdempotencyService {
  const { keys, newId, onError = () => undefined, now_ms = Date.now } = options;
  const { lock_seconds = 60, keep_seconds = 24 * 3600, sweep_every_ms = 10 * 60_000 } = options;
  const seal = idempotencySeal(options.box);
  let next_sweep_ms = now_ms() + sweep_every_ms;

  const hold = (scope: KeyScope, token: string, is_secret: boolean): Held => {
    // A request that takes long keeps its lock; one whose process died cannot.
    const renewal = setInterval(
      () => {
        keys.renew(scope, token, lock_seconds).catch(onError);
      },
      (lock_seconds * 1000) / 3,
    );
    renewal.unref();
    return {
      async complete(answer) {
        clearInterval(renewal);
        await keys.complete(scope, token, is_secret ? seal.sealed(scope, answer) : answer);
      },
      async release() {
        clearInterval(renewal);
        await keys.release(scope, token);
      },
    };
  };

  const sweep = async (): Promise<number> => {
    let total = 0;
    for (let count = SWEEP_BATCH; count === SWEEP_BATCH; total += count)
      count = await keys.sweep(keep_seconds, SWEEP_BATCH);
    return total;
  };

  /** Callers that use keys pay for their removal, so that no timer is needed. */
  const sweepWhenDue = () => {
    if (now_ms() < next_sweep_ms) return;
    next_sweep_ms = now_ms() + sweep_every_ms;
    sweep().catch(onError);
  };

  return {
    async begin({ request_hash: plain_hash, is_secret = false, ...scope }) {
      const token = newId();
      const request_hash = is_secret ? seal.hashOf(scope, plain_hash) : plain_hash;
      const row = await keys.claim({ ...scope, request_hash, token, lock_seconds, keep_seconds });
      sweepWhenDue();
      if (row.mine) return { held: hold(scope, token, is_secret) };
      if (row.request_hash !== request_hash) throw new AppError('idempotency_mismatch');
      if (row.answer === null)
        throw new AppError('idempotency_in_flight', { retry_after_seconds: RETRY_AFTER_SECONDS });
      return { replay: is_secret ? seal.opened(scope, row.answer) : row.answer };
    },
    sweep,
  };
}
