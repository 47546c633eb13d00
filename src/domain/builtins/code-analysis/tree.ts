import type { Json } from '../../../contract/json.ts';
import type { BlobService } from '../../blobs.ts';

/** The files of a commit that are worth a look, as FetchCode leaves them for the analyses. */
export interface FetchedTree {
  commit: string;
  files: { path: string; cas_id: string; size_bytes: number }[];
  /** Files that are there and not looked at: code may name them. */
  others: string[];
  /** Only what lies below a path was wanted. */
  is_part: boolean;
  /** Files that are not looked at, by reason. */
  skipped: Record<string, number>;
  /** There were more files than are listed. */
  truncated: boolean;
}

/** What one analysis found, as it leaves it for the report. */
export interface AreaResult {
  of_files: Json[];
  of_tree: Json[];
  /** Of each file that was read. */
  lines: number[];
  /** Files that turned out not to be worth a look, by reason. */
  skipped: Record<string, number>;
  /** Lines about what did not do its part; what others found stands. A run that began under an earlier version has none. */
  problems?: string[];
}

/** A blob that a step left as JSON for a later one. */
export async function readLeft<T>(
  blobs: Pick<BlobService, 'get'>,
  project_id: string,
  cas_id: string,
): Promise<T> {
  const { bytes } = await blobs.get(project_id, cas_id);
  return JSON.parse(bytes.toString('utf8')) as T;
}

export const toBytes = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
export const JSON_TYPE = 'application/json';
