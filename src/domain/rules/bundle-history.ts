import type { Lines } from './bundle-lines.ts';

export interface HistoryCheck {
  /** Takes the next entry; answers what is wrong with it. */
  next(move: Lines['move']): string | undefined;
  /** What is left open when no more entries come. */
  end(): string | undefined;
}

/**
 * Holds the histories in a bundle to its tags: in their order, each from its first entry to the one that left the tag
 * where it stands, every entry beginning where the one before it ended.
 */
export function historyCheck(tags: readonly Lines['tag'][]): HistoryCheck {
  let at = 0;
  let seq = 0;
  let position: string | null = null;
  return {
    next(move) {
      const tag = tags[at];
      if (move.tag !== tag?.name) return tag ? `must belong to ${tag.name}` : 'belongs to no tag';
      if (move.seq !== seq + 1) return `must have number ${seq + 1}`;
      if (move.from_id !== position) return 'must begin where the entry before it ended';
      [seq, position] = [move.seq, move.to_id];
      if (seq < tag.version) return undefined;
      if (position !== tag.artifact_id) return 'must end where the tag stands';
      [at, seq, position] = [at + 1, 0, null];
      return undefined;
    },
    end: () => (at < tags.length ? `the history of ${tags[at]!.name} is not complete` : undefined),
  };
}
