import { analysisKey, relocate } from '../../../analysis/analysis-key.ts';
import { unreadFacts } from '../../../analysis/empty-facts.ts';
import { skipReasonOfPath } from '../../../analysis/skip.ts';
import { languageOf } from '../../../analysis/source-language.ts';
import type { FileAnalysis, FileFacts, SourceFile } from '../../../contract/findings.ts';
import type { Json } from '../../../contract/json.ts';
import type { SourceRepository } from '../../../contract/source-repository.ts';
import type { AnalysisRepository } from '../../../persistence/analyses.ts';
import type { Analyser } from '../code-analysis/analyser.ts';
import { contentHash } from '../../rules/content-hash.ts';

const MAX_FILES = 2_000;
const MAX_BYTES = 8 * 1024 * 1024;
/** Of the names of files that are not read. */
const MAX_NAMES_CHARS = 4 * 1024 * 1024;
/** Files that are looked up, analysed and kept together. */
const BATCH = 50;

/** The files that were not changed: what a changed line calls may be there. */
export interface ReviewContext {
  /** Of a large repository only the first in order of path, so that a defect that lies in two files can be missed. */
  files: SourceFile[];
  /** Files that are there and not read: code may name them. */
  others: string[];
  /** There are no further ones. */
  is_whole: boolean;
}

/** Reads the code around the changed files, within bounds. */
export async function readContext(
  repository: SourceRepository,
  changed: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<ReviewContext> {
  const files: SourceFile[] = [];
  const others: string[] = [];
  let left_bytes = MAX_BYTES;
  let left_chars = MAX_NAMES_CHARS;
  for (const { path, mode, size_bytes } of repository.tree) {
    signal.throwIfAborted();
    if (changed.has(path)) continue;
    const size = size_bytes ?? Infinity;
    const fits = files.length < MAX_FILES && size <= left_bytes;
    const content =
      fits && mode !== 'symlink' && isCode(path, size) ? await repository.readFile(path) : undefined;
    if (content?.kind === 'text') {
      left_bytes -= size;
      files.push({ path, cas_id: contentHash(content.bytes), text: content.text });
    } else if ((left_chars -= path.length) >= 0) others.push(path);
  }
  return { files, others, is_whole: !repository.truncated && left_chars >= 0 };
}

const isCode = (path: string, size_bytes: number): boolean =>
  ['javascript', 'typescript'].includes(languageOf(path)) && skipReasonOfPath(path, size_bytes) === undefined;

export interface FactsDeps {
  analyses: Pick<AnalysisRepository, 'find' | 'keep'>;
  analyser: Pick<Analyser, 'file'>;
}

/** What the rules about several files need of these; of a file that any analysis has seen it is known. */
export async function factsOf(
  files: readonly SourceFile[],
  { analyses, analyser }: FactsDeps,
  signal: AbortSignal,
): Promise<FileFacts[]> {
  const facts: FileFacts[] = [];
  for (let from = 0; from < files.length; from += BATCH) {
    const batch = files.slice(from, from + BATCH);
    const known = await analyses.find(batch.map(keyOf));
    const found = new Map<string, Json>();
    for (const file of batch) {
      const before = (known.get(keyOf(file)) ?? found.get(keyOf(file))) as unknown as
        FileAnalysis | undefined;
      const analysis = before ? relocate(before, file.path) : await analyser.file(file, ['static'], signal);
      facts.push(analysis?.facts ?? unreadFacts(file.path));
      if (!before && analysis) found.set(keyOf(file), analysis as unknown as Json);
    }
    if (found.size > 0) await analyses.keep(found);
  }
  return facts;
}

const keyOf = (file: SourceFile): string => analysisKey(file, 'static');
