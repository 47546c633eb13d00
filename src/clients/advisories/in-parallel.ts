/**
 * Does something for each item, at most `parallel` at once. The first that fails ends the others by their signal; rejects
 * with it once all have ended.
 */
export async function inParallel<T>(
  items: Iterable<T>,
  { parallel, signal }: { parallel: number; signal: AbortSignal },
  each: (item: T, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const failed = new AbortController();
  const either = AbortSignal.any([signal, failed.signal]);
  const left = items[Symbol.iterator]();
  const worker = async () => {
    for (let next = left.next(); !next.done; next = left.next()) {
      either.throwIfAborted();
      await each(next.value, either);
    }
  };
  const guarded = () =>
    worker().catch((error: unknown) => {
      failed.abort(error);
    });
  await Promise.all(Array.from({ length: parallel }, guarded));
  signal.throwIfAborted();
  if (failed.signal.aborted) throw failed.signal.reason;
}
