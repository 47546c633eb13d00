import { ManagerFailure } from './failure.ts';

interface Options {
  /** So many failures in a row open it. */
  failures: number;
  /** So long nothing is sent then; after that one call tries whether it is over. */
  open_ms: number;
  now: () => number;
}

export interface Circuit {
  run<T>(work: () => Promise<T>): Promise<T>;
}

/** Spares a service that is away, and those who would wait for it. Throws `ManagerFailure` `unavailable` while it is open. */
export function circuit({ failures, open_ms, now }: Options): Circuit {
  let in_a_row = 0;
  let closed_again_ms = -Infinity;
  let is_trying = false;

  return {
    async run(work) {
      const is_open = in_a_row >= failures;
      if (is_open && (is_trying || now() < closed_again_ms))
        throw new ManagerFailure(
          'unavailable',
          'The agent manager has failed too often and is left alone for now.',
        );
      is_trying = is_open;
      try {
        const result = await work();
        in_a_row = 0;
        return result;
      } catch (error) {
        in_a_row += 1;
        closed_again_ms = now() + open_ms;
        throw error;
      } finally {
        if (is_open) is_trying = false;
      }
    },
  };
}
