import type { Hunk, HunkLine } from '../../contract/source-repository.ts';

/** The part of a patch that is about one file. */
export interface PatchSection {
  binary: boolean;
  hunks: Hunk[];
  /** The patch ends before the section does. */
  cut: boolean;
}

const HUNK = /^@@ -(\d{1,9})(?:,(\d{1,9}))? \+(\d{1,9})(?:,(\d{1,9}))? @@/;
const KINDS: Readonly<Record<string, HunkLine['kind']>> = { ' ': 'context', '+': 'added', '-': 'removed' };

/**
 * Reads the patch that git writes, one section per `diff --git`. The numbers of a hunk say how many lines belong to it,
 * so that no line of a file is taken for one of the patch. `cut` says that its end is missing.
 */
export function parsePatch(patch: string, cut = false): PatchSection[] {
  const lines = patch.split('\n');
  // What follows the last line feed is nothing, or a line that may not be whole.
  lines.pop();
  const sections: PatchSection[] = [];
  for (let at = 0; at < lines.length;) {
    const line = lines[at]!;
    const section = sections.at(-1);
    const range = HUNK.exec(line);
    if (line.startsWith('diff --git ')) sections.push({ binary: false, hunks: [], cut: false });
    else if (section && range) {
      at = readHunk(lines, at + 1, rangeOf(range), section);
      continue;
    } else if (section && line.startsWith('Binary files ')) section.binary = true;
    at += 1;
  }
  const last = sections.at(-1);
  if (cut && last) Object.assign(last, { hunks: [], cut: true });
  return sections;
}

/** Lines of a side that were changed against the other one, by their numbers there. */
export function addedLines(hunks: readonly Hunk[]): number[] {
  const added: number[] = [];
  for (const { new_start, lines } of hunks) {
    let number = new_start;
    for (const { kind } of lines) {
      if (kind === 'added') added.push(number);
      if (kind !== 'removed') number += 1;
    }
  }
  return added;
}

type Range = Omit<Hunk, 'lines'>;

function rangeOf([, old_start, old_lines = '1', new_start, new_lines = '1']: RegExpExecArray): Range {
  return {
    old_start: Number(old_start),
    old_lines: Number(old_lines),
    new_start: Number(new_start),
    new_lines: Number(new_lines),
  };
}

/** Answers where the hunk ends. */
function readHunk(lines: readonly string[], start: number, range: Range, section: PatchSection): number {
  const hunk: Hunk = { ...range, lines: [] };
  let [old_left, new_left, at] = [range.old_lines, range.new_lines, start];
  for (; at < lines.length; at += 1) {
    const text = lines[at]!;
    if (text.startsWith('\\')) {
      const last = hunk.lines.at(-1);
      if (last) last.no_newline = true;
      continue;
    }
    if (old_left === 0 && new_left === 0) break;
    const kind = KINDS[text[0] ?? ''];
    if (!kind) break;
    hunk.lines.push({ kind, text: text.slice(1) });
    if (kind !== 'added') old_left -= 1;
    if (kind !== 'removed') new_left -= 1;
  }
  if (old_left !== 0 || new_left !== 0) section.cut = true;
  else section.hunks.push(hunk);
  return at;
}
