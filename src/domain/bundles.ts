import { findHeld } from '../persistence/bundles.ts';
import type { Db } from '../persistence/db.ts';
import type { BlobService } from './blobs.ts';
import { bundleLines, type ExportDeps, planExport } from './bundles-export.ts';
import { type ImportDeps, type ImportOptions, type ImportReport, storeBundle } from './bundles-import.ts';
import { receiveBundle } from './bundles-receive.ts';
import { artifactVerifier } from './bundles-verify.ts';
import type { DefinitionService } from './materialise.ts';
import type { Caller } from './refs.ts';

export interface Bundle {
  /** What it is about, as a name for a file. */
  name: string;
  /** Its text, a line or a part of one at a time. Reading it once is reading it for good. */
  lines: AsyncIterable<string>;
}

export interface BundleService {
  /**
   * A workflow, a tag or a version with its history, less what the reader has: `have` are artifact ids and version hashes.
   * Throws what `planExport` throws.
   */
  export(project_id: string, request: { ref: string; have: readonly string[] }): Promise<Bundle>;
  /**
   * Takes a bundle in: verified to its last byte before anything of it can be seen, then all at once.
   * Throws what `receiveBundle` and `storeBundle` throw. The same bundle again changes nothing.
   */
  import(caller: Caller, source: AsyncIterable<Buffer>, options: ImportOptions): Promise<ImportReport>;
  /** Sorts version hashes by whether the project has them. */
  negotiate(project_id: string, hashes: readonly string[]): Promise<{ have: string[]; missing: string[] }>;
}

export interface BundleDeps extends ExportDeps, ImportDeps {
  db: Db;
  blobs: BlobService;
  definitions: DefinitionService;
  limits: { bundle_bytes: number; bundle_artifacts: number; blob_bytes: number; chain: number };
}

export function bundleService(deps: BundleDeps): BundleService {
  const verifier = () => artifactVerifier(deps);
  return {
    export: async (project_id, request) => {
      const plan = await planExport(deps, project_id, request);
      return { name: request.ref.replaceAll(/[/:]/g, '-'), lines: bundleLines(deps, plan) };
    },
    import: async (caller, source, options) => {
      const received = await receiveBundle({ ...deps, verifier }, caller.project_id, source);
      return storeBundle(deps, caller, received, options);
    },
    negotiate: async (project_id, hashes) => {
      const have = new Set(await findHeld(deps.db, project_id, hashes));
      return {
        have: hashes.filter((hash) => have.has(hash)),
        missing: hashes.filter((hash) => !have.has(hash)),
      };
    },
  };
}
