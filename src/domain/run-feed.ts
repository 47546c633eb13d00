import type { RunNews } from '../persistence/notifications.ts';

/** Where those who follow a run are told that there is something new; the news itself is read from the database. */
export interface RunFeed {
  /** `wake` is called at every change of the run; `ended` says it may have been the last. Returns how to stop. */
  follow(run_id: string, wake: (ended: boolean) => void): () => void;
  /** Told of the news of all runs, and of gaps in it. */
  watch(watcher: RunWatcher): void;
  onNews(news: RunNews): void;
  /** News may have been missed: everyone looks again. */
  onGap(): void;
}

export interface RunWatcher {
  onNews(news: RunNews): void;
  onGap(): void;
}

export function runFeed(): RunFeed {
  const watchers: RunWatcher[] = [];
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
    watch: (watcher) => void watchers.push(watcher),
    onNews(news) {
      followers.get(news.run_id)?.forEach((wake) => wake(news.ended));
      for (const watcher of watchers) watcher.onNews(news);
    },
    onGap() {
      followers.forEach((set) => set.forEach((wake) => wake(true)));
      for (const watcher of watchers) watcher.onGap();
    },
  };
}
