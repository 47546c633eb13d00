import type { RunNews } from '../persistence/notifications.ts';

/** Where those who follow a run are told that there is something new; the news itself is read from the database. */
export interface RunFeed {
  /** `wake` is called at most once per change of the run; returns how to stop. */
  follow(run_id: string, wake: (last_seq: number) => void): () => void;
  onNews(news: RunNews): void;
  /** News may have been missed: everyone looks again. */
  onGap(): void;
}

export function runFeed(): RunFeed {
  const followers = new Map<string, Set<(last_seq: number) => void>>();
  return {
    follow(run_id, wake) {
      const set = followers.get(run_id) ?? new Set();
      followers.set(run_id, set.add(wake));
      return () => {
        set.delete(wake);
        if (set.size === 0) followers.delete(run_id);
      };
    },
    onNews: ({ run_id, last_seq }) => followers.get(run_id)?.forEach((wake) => wake(last_seq)),
    onGap: () => followers.forEach((set) => set.forEach((wake) => wake(Number.MAX_SAFE_INTEGER))),
  };
}
