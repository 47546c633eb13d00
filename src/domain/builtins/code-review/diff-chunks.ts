import type { Hunk, HunkLine } from '../../../contract/source-repository.ts';
import type { ReviewFile } from './changes.ts';

/** Part of the changes of a file, as text: `+   12| code`, with the number that a line has in head. */
export interface DiffPart {
  path: string;
  lines: string[];
}

/** What a language model is asked about at once. */
export interface DiffChunk {
  parts: DiffPart[];
  /** The added lines that it is shown, by path: what it says must be of one of them. */
  added: Map<string, Set<number>>;
  tokens: number;
}

export interface ChunkLimits {
  /** Of one chunk, as `tokensOf` counts them. */
  tokens: number;
  chunks: number;
}

export interface ChunkedDiff {
  chunks: DiffChunk[];
  /** Added lines that are in no chunk, because there are too many. */
  lines_left_out: number;
}

interface ShownLine {
  text: string;
  /** Of a line that was added. */
  number?: number;
}

const MAX_LINE_CHARS = 1_000;
const CHARS_PER_TOKEN = 3;
/** Quotes, commas and numbers of a part. */
const PART_TOKENS = 12;

/** A guess that is rather too high: code has three to four characters to a token, other scripts fewer. */
export const tokensOf = (text: string): number =>
  Math.ceil((Buffer.byteLength(JSON.stringify(text)) + 1) / CHARS_PER_TOKEN);

/** Packs the changes into chunks within a budget, in order; a hunk that is too long for one goes on in the next. */
export function chunkDiff(files: readonly ReviewFile[], limits: ChunkLimits): ChunkedDiff {
  const chunks: DiffChunk[] = [];
  let lines_left_out = 0;
  for (const { path, hunks } of files) {
    for (const line of hunks.flatMap(shownLines)) {
      const at = placeFor(chunks, { path, tokens: tokensOf(line.text), limits });
      if (at) put(at, path, line);
      else if (line.number !== undefined) lines_left_out += 1;
    }
  }
  return { chunks: chunks.filter(({ added }) => added.size > 0), lines_left_out };
}

/** The last chunk or, when the line does not fit, another one; undefined when there may be no more. */
function placeFor(
  chunks: DiffChunk[],
  { path, tokens, limits }: { path: string; tokens: number; limits: ChunkLimits },
): DiffChunk | undefined {
  const last = chunks.at(-1);
  const opening = tokensOf(path) + PART_TOKENS;
  const needed = tokens + (last?.parts.at(-1)?.path === path ? 0 : opening);
  if (last && last.tokens + needed <= limits.tokens) return last;
  if (chunks.length >= limits.chunks) return undefined;
  chunks.push({ parts: [], added: new Map(), tokens: 0 });
  return chunks.at(-1);
}

function put(chunk: DiffChunk, path: string, { text, number }: ShownLine): void {
  if (chunk.parts.at(-1)?.path !== path) {
    chunk.parts.push({ path, lines: [] });
    chunk.tokens += tokensOf(path) + PART_TOKENS;
  }
  chunk.parts.at(-1)!.lines.push(text);
  chunk.tokens += tokensOf(text);
  if (number === undefined) return;
  const added = chunk.added.get(path) ?? new Set();
  chunk.added.set(path, added.add(number));
}

const SIGNS: Readonly<Record<HunkLine['kind'], string>> = { added: '+', removed: '-', context: ' ' };

function shownLines({ new_start, lines }: Hunk): ShownLine[] {
  let number = new_start;
  return lines.map(({ kind, text }) => {
    const shown = `${SIGNS[kind]}${kind === 'removed' ? '' : number}| ${cut(text)}`;
    const line: ShownLine = kind === 'added' ? { text: shown, number } : { text: shown };
    if (kind !== 'removed') number += 1;
    return line;
  });
}

const cut = (text: string): string =>
  text.length <= MAX_LINE_CHARS ? text : `${text.slice(0, MAX_LINE_CHARS)}…`;
