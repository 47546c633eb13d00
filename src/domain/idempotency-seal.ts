import { AppError } from '../contract/errors.ts';
import type { KeyScope, StoredAnswer } from '../persistence/idempotency.ts';
import { isSealed, type SealedBox } from './sealed-box.ts';

/** Keeps what is secret in a request and its answer out of the row of its key. */
export function idempotencySeal(box: SealedBox) {
  return {
    /** In place of the digest of a request, which a short secret could be guessed by. */
    hashOf: (scope: KeyScope, request_hash: string): string => box.digest(request_hash, aboutKey(scope)),

    sealed(scope: KeyScope, answer: StoredAnswer): StoredAnswer {
      if (answer.body === null) return answer;
      const text = box.seal(answer.body.toString('base64'), aboutKey(scope));
      return { ...answer, body: Buffer.from(text) };
    },

    /** Throws `state_conflict` for what was sealed with a key that is not here any more: doing it again would do it twice. */
    opened(scope: KeyScope, answer: StoredAnswer): StoredAnswer {
      const text = answer.body?.toString('latin1');
      // Kept by a process from before answers were sealed; gone within the day.
      if (text === undefined || !isSealed(text)) return answer;
      const body = box.open(text, aboutKey(scope));
      if (body === undefined) throw new AppError('state_conflict', UNREADABLE);
      return { ...answer, body: Buffer.from(body, 'base64') };
    },
  };
}

const UNREADABLE = { detail: 'The answer to this idempotency key cannot be read any more.' };

/** What is kept of one key is of no use under another. */
const aboutKey = ({ project_id, principal, key }: KeyScope): string =>
  JSON.stringify([project_id, principal, key]);
