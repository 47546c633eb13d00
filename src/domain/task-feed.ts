import type { TaskNews } from '../persistence/notifications.ts';

/** Where agents that wait for a task are told that there may be one. */
export interface TaskFeed {
  /** Returns how to stop. */
  follow(wanted: Wanted, wake: () => void): () => void;
  /** Wakes one of those that want it: a task goes to one agent, and the others may sleep on. */
  onTask(news: TaskNews): void;
  /** News may have been missed: everyone looks again. */
  onGap(): void;
}

interface Wanted {
  project_id: string;
  capabilities: readonly string[];
}

export function taskFeed(): TaskFeed {
  const waiting = new Set<{ wanted: Wanted; wake: () => void }>();
  return {
    follow(wanted, wake) {
      const one = { wanted, wake };
      waiting.add(one);
      return () => void waiting.delete(one);
    },
    onTask({ project_id, capability }) {
      for (const one of waiting) {
        if (one.wanted.project_id !== project_id || !one.wanted.capabilities.includes(capability)) continue;
        // To the end of the row: the next task wakes another one.
        waiting.delete(one);
        waiting.add(one);
        return one.wake();
      }
    },
    onGap: () => waiting.forEach(({ wake }) => wake()),
  };
}
