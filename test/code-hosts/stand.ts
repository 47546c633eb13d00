import type { HostServer } from './host-server.ts';

export const ME = 'reviewer';
/** Fewer to a page than a client asks for, as hosts may give. */
export const PAGE_LIMIT = 3;

export interface Stored {
  id: number;
  body: string;
  author: string;
  place: { path: string; line: number } | null;
  resolved: boolean;
}

/** A host with its state, for tests that do not care which host it is. */
export interface Stand {
  server: HostServer;
  comments: Stored[];
  /** The names of the calls that wrote a comment. */
  writes(): string[];
  names: { pull: string; list: string; post: string; update: string; update_summary: string };
  /** What it says from now on of the branch that its pull request is for, and of the commit it is at. */
  pullIs: (pull: { base: string; head: string }) => void;
  add(one: Pick<Stored, 'body' | 'author' | 'place'>): void;
  /** From now on nobody may resolve a thread. */
  withoutThreads(): void;
  reset(): void;
}
