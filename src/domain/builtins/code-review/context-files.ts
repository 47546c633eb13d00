import { setImmediate as yieldToOthers } from 'node:timers/promises';
import { analyseFile, analysisKey, relocate } from '../../../analysis/analyse-file.ts';
import { skipReasonOfPath } from '../../../analysis/skip.ts';
import { languageOf } from '../../../analysis/source-language.ts';
import type { FileAnalysis, FileFacts, SourceFile } from '../../../contract/findings.ts';
import type { Json } from '../../../contract/json.ts';
import type { SourceRepository } from '../../../contract/source-repository.ts';
import type { AnalysisRepository } from '../../../persistence/analyses.ts';
import { contentHash } from '../../rules/content-hash.ts';

const MAX_FILES = 2_000;
const MAX_BYTES = 16 * 1024 * 1024;
/** Files that are looked up, analysed and kept together. */
const BATCH = 50;

/**
 * The code that was not changed: what a changed line calls may be there. Of a larger repository only the first files in order of
 * path, so that a defect that lies in two files can be missed.
 */
export async function readContext(
  repository: SourceRepository,
  changed: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<SourceFile[]> {
  const files: SourceFile[] = [];
  let left_bytes = MAX_BYTES;
  for (const { path, mode, size_bytes } of repository.tree) {
    if (files.length >= MAX_FILES) break;
    signal.throwIfAborted();
    const size = size_bytes ?? Infinity;
    if (changed.has(path) || size > left_bytes || !isCode(path, size) || mode === 'symlink') continue;
    const content = await repository.readFile(path);
    if (content.kind !== 'text') continue;
    left_bytes -= size;
    files.push({ path, cas_id: contentHash(content.bytes), text: content.text });
  }
  return files;
}

const isCode = (path: string, size_bytes: number): boolean =>
  ['javascript', 'typescript'].includes(languageOf(path)) && skipReasonOfPath(path, size_bytes) === undefined;

/** What the rules about several files need of these; of a file that any analysis has seen it is known. */
export async function factsOf(
  files: readonly SourceFile[],
  analyses: Pick<AnalysisRepository, 'find' | 'keep'>,
  signal: AbortSignal,
): Promise<FileFacts[]> {
  const facts: FileFacts[] = [];
  for (let from = 0; from < files.length; from += BATCH) {
    const batch = files.slice(from, from + BATCH);
    const known = await analyses.find(batch.map(keyOf));
    const found = new Map<string, Json>();
    for (const file of batch) {
      signal.throwIfAborted();
      const before = (known.get(keyOf(file)) ?? found.get(keyOf(file))) as unknown as
        FileAnalysis | undefined;
      const analysis = before ? relocate(before, file.path) : analyseFile(file, ['static']);
      facts.push(analysis.facts);
      if (before) continue;
      found.set(keyOf(file), analysis as unknown as Json);
      await yieldToOthers();
    }
    if (found.size > 0) await analyses.keep(found);
  }
  return facts;
}

const keyOf = (file: SourceFile): string => analysisKey(file, 'static');
