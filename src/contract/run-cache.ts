/** Where runs that have ended may be kept near. Every function may reject: then there is no cache at the moment. */
export interface RunCache {
  /** The text kept for a run, and the generation that a text read from the database now would belong to. */
  read(run_id: string): Promise<{ text: string | undefined; generation: string }>;
  write(run_id: string, entry: { text: string; generation: string; seconds: number }): Promise<void>;
  /** Soon, and without fail: when it cannot be done, everything is forgotten. */
  forget(run_id: string): void;
  forgetAll(): void;
}
