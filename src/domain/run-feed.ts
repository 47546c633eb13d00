import type { RunNews } from '../persistence/notifications.ts';

/** Where those who follow a run are told that there is something new; the news itself is read from the database. */
export interface RunFeed {
  /** `wake` is called at every change of the run; `ended` says it may have been the last. Returns how to stop. */
  follow(run_id: string, wake: (ended: boolean) => void): () => void;
  onNews(news: RunNews): void;
  /** News may have been missed: everyone looks again. */
  onGap(): void;
}

export function runFeed(): RunFeed {
  const followers = new Map<string, Set<(ended: boolean) => void>>();
  return {
    follow(run_id, wake) {
      const set = followers.get(run_id) ?? new Set();
      followers.set(run_id, set.add(wake));
      return () => {
        set.delete(wake);
        if (set.size === 0) followers.delete(run_id);
      };
    },
    onNews: ({ run_id, ended }) => followers.get(run_id)?.forEach((wake) => wake(ended)),
    onGap: () => followers.forEach((set) => set.forEach((wake) => wake(true))),
  };
}
