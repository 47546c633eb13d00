import TestSequencer from '@jest/test-sequencer';

/** What takes longest comes first, so that no worker is left with it at the end when the others have nothing more to do. */
const LONGEST_FIRST = [
  /\/test\/faults\/(fleet|stack|gc|gc-kill)\./,
  /\/test\/faults\//,
  /\/test\/(property\/store|replay|deployers|git)/,
  /\/test\/e2e\//,
  /\/test\//,
];

/** Jest's own order, by what it measured before, where it has measured; a fresh clone goes by the list. */
export default class LongestFirst extends TestSequencer {
  sort(tests) {
    const sorted = super.sort(tests);
    if (sorted.every(({ duration }) => duration !== undefined)) return sorted;
    return sorted.sort((a, b) => rankOf(a) - rankOf(b));
  }
}

function rankOf({ path }) {
  const rank = LONGEST_FIRST.findIndex((pattern) => pattern.test(path));
  return rank === -1 ? LONGEST_FIRST.length : rank;
}
