/** Finds any of several sequences of numbers in one pass, whatever they are (Aho and Corasick). */
export interface Search {
  /** The state after one more number; 0 is the first. */
  next(state: number, code: number): number;
  /** How many of the last numbers are the longest sequence that ends here; 0: none does. */
  found(state: number): number;
  /** How many of the last numbers may be the beginning of a sequence. */
  begun(state: number): number;
}

/** Time and memory are linear in all the sequences together: 26 bytes for each of their numbers. */
export function searchFor(sequences: readonly ArrayLike<number>[]): Search {
  const size = 1 + sequences.reduce((sum, { length }) => sum + length, 0);
  const code = new Uint16Array(size);
  const child = new Int32Array(size);
  const sibling = new Int32Array(size);
  const fail = new Int32Array(size);
  const found = new Int32Array(size);
  const begun = new Int32Array(size);
  /** What leads away from the root is looked up most. */
  const roots = new Map<number, number>();
  let states = 1;

  function childOf(state: number, wanted: number): number {
    if (state === 0) return roots.get(wanted) ?? 0;
    let at = child[state]!;
    while (at !== 0 && code[at] !== wanted) at = sibling[at]!;
    return at;
  }

  function add(state: number, wanted: number): number {
    const made = states++;
    code[made] = wanted;
    begun[made] = begun[state]! + 1;
    if (state === 0) roots.set(wanted, made);
    else [sibling[made], child[state]] = [child[state]!, made];
    return made;
  }

  function next(state: number, wanted: number): number {
    for (let at = state; ; at = fail[at]!) {
      const to = childOf(at, wanted);
      if (to !== 0 || at === 0) return to;
    }
  }

  for (const sequence of sequences) {
    let state = 0;
    for (let i = 0; i < sequence.length; i++) {
      const wanted = sequence[i]!;
      state = childOf(state, wanted) || add(state, wanted);
    }
    found[state] = sequence.length;
  }
  link();
  return { next, found: (state) => found[state]!, begun: (state) => begun[state]! };

  /** By depth, so that the shorter ends of a sequence are linked before the longer ones. */
  function link(): void {
    const queue = new Int32Array(size);
    let end = 0;
    for (const state of roots.values()) queue[end++] = state;
    for (let at = 0; at < end; at++) {
      const state = queue[at]!;
      found[state] ||= found[fail[state]!]!;
      for (let one = child[state]!; one !== 0; one = sibling[one]!) {
        fail[one] = next(fail[state]!, code[one]!);
        queue[end++] = one;
      }
    }
  }
}
