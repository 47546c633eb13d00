import type { FileFacts, ShingleFact } from '../../contract/findings.ts';
import { ownRule } from '../rule-hit.ts';
import type { TreeHit } from './tree-hit.ts';
import type { Tree } from './resolve.ts';

const DUPLICATION = ownRule('static', 'duplication', 'warning', {
  cwe: 'CWE-1041',
  help: 'Keep one of them and call it from both places.',
});

const MIN_LINES = 5;
/** What lies further behind a run than the run is long is another copy. */
const MAX_GAP_TOKENS = 50;
/** A run in more places than this is a form that people keep, such as a licence or a table. */
const MAX_PLACES = 8;

interface Run {
  file: FileFacts;
  shingle: ShingleFact;
}

interface Copy {
  first: Run;
  file: FileFacts;
  from: ShingleFact;
  to: ShingleFact;
}

/** Text that stands in the tree twice, told at its later place. */
export function findCopies(tree: Tree): TreeHit[] {
  const seen = new Map<string, Run[]>();
  const copies: Copy[] = [];
  const files = [...tree.files.values()]
    .filter((file) => !file.is_test)
    .sort((a, b) => (a.path < b.path ? -1 : 1));
  for (const file of files) {
    let open: Copy | undefined;
    for (const shingle of file.shingles) {
      const earlier = seen.get(shingle.hash) ?? [];
      const original =
        earlier.length < MAX_PLACES
          ? (earlier.find((one) => continues(open, one, shingle)) ?? firstApart(earlier, file, shingle))
          : undefined;
      seen.set(shingle.hash, [...earlier.slice(0, MAX_PLACES), { file, shingle }]);
      if (!original) continue;
      if (open && continues(open, original, shingle)) open.to = shingle;
      else copies.push((open = { first: original, file, from: shingle, to: shingle }));
    }
  }
  return copies.filter((copy) => copy.to.end_line - copy.from.line + 1 >= MIN_LINES).map(hitOf);
}

/** Not one that overlaps with its own copy, as rows of a table do. */
function firstApart(earlier: readonly Run[], file: FileFacts, shingle: ShingleFact): Run | undefined {
  return earlier.find((one) => one.file !== file || one.shingle.end_line < shingle.line);
}

function continues(open: Copy | undefined, original: Run, shingle: ShingleFact): boolean {
  return (
    open !== undefined &&
    original.file === open.first.file &&
    shingle.at - open.to.at <= MAX_GAP_TOKENS &&
    original.shingle.at - open.first.shingle.at === shingle.at - open.from.at
  );
}

function hitOf({ first, file, from, to }: Copy): TreeHit {
  const { line } = from;
  const span = { line, column: 1, end_line: to.end_line, end_column: 1 };
  const lines = to.end_line - line + 1;
  const message = `${lines} lines are the same as those from line ${first.shingle.line} of ${first.file.path}.`;
  return { path: file.path, rule: DUPLICATION, message, span, symbol: '', snippet: from.hash };
}
