import type { Search } from './masking-search.ts';

/** From `start` up to, but without, `end`, counted from the very beginning. */
export interface Span {
  start: number;
  end: number;
}

/** Where a search found something in what comes in pieces. */
export interface SpanScan {
  read(piece: { length: number; codeAt: (index: number) => number }): void;
  /** Nothing that is found from now on begins before this. */
  settled(): number;
  /** What was found since the last time and begins before `until`, in order; spans that touch are one. */
  take(until: number): Span[];
  /** Takes what was read last and may be the beginning of something for found, when it is at least so long. */
  cut(min_length: number): void;
}

export function spanScan(search: Search): SpanScan {
  let state = 0;
  let at = 0;
  let spans: Span[] = [];

  /** Ends only grow, so that what a longer find covers is at the end of the list. */
  function add(start: number, end: number): void {
    let from = start;
    for (let last = spans.at(-1); last && last.end >= from; last = spans.at(-1)) {
      from = Math.min(from, last.start);
      spans.pop();
    }
    spans.push({ start: from, end });
  }

  return {
    read({ length, codeAt }) {
      for (let i = 0; i < length; i++) {
        state = search.next(state, codeAt(i));
        at += 1;
        const found = search.found(state);
        if (found > 0) add(at - found, at);
      }
    },
    settled: () => at - search.begun(state),
    take(until) {
      const later = spans.findIndex(({ start }) => start >= until);
      const taken = spans;
      spans = later < 0 ? [] : taken.splice(later);
      return taken;
    },
    cut(min_length) {
      const begun = search.begun(state);
      if (begun >= min_length) add(at - begun, at);
    },
  };
}
