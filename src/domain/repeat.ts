export interface RepeatOptions {
  /** One turn of the work; answers whether it should come again soon, without being rung. */
  turn: (signal: AbortSignal) => Promise<boolean>;
  /** Between a ring and the turn it causes, so that a burst is one turn. */
  rest_ms: number;
  /** A turn comes after this time at the latest, in case a ring was lost. */
  idle_ms: number;
  onError: (error: unknown) => void;
}

export interface Repeated {
  /** There may be work. */
  ring(): void;
  /** Ends after the turn under way, whose signal is aborted. */
  stop(): Promise<void>;
}

/** Takes turns, one at a time, until it is stopped. */
export function repeat({ turn, rest_ms, idle_ms, onError }: RepeatOptions): Repeated {
  const stopping = new AbortController();
  const { signal } = stopping;
  let rung = true;
  let wake = () => {};

  const failed = (error: unknown): false => {
    onError(error);
    return false;
  };
  const pause = (ms: number, can_be_rung: boolean) =>
    new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      wake = () => {
        if (!can_be_rung && !signal.aborted) return;
        clearTimeout(timer);
        resolve();
      };
      if (signal.aborted || (can_be_rung && rung)) wake();
    });

  async function go(): Promise<void> {
    while (!signal.aborted) {
      rung = false;
      const soon = await turn(signal).catch(failed);
      rung ||= soon;
      await pause(idle_ms, true);
      await pause(rest_ms, false);
    }
  }

  const ended = go();
  return {
    ring() {
      rung = true;
      wake();
    },
    async stop() {
      stopping.abort();
      wake();
      await ended;
    },
  };
}
