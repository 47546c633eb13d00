import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { JsonObject } from '../../../contract/json.ts';
import type { BlobService } from '../../blobs.ts';
import type { NodeContext } from '../../nodes/node.ts';
import { StepFailure } from '../../step-error.ts';

export interface ArtifactFile {
  path: string;
  cas_id: string;
  size_bytes: number;
  executable: boolean;
}

/** What is deployed of an application: its files, as blobs. */
export interface ArtifactManifest {
  files: ArtifactFile[];
}

type Blobs = Pick<BlobService, 'get'>;

export const MANIFEST_TYPE = 'application/vnd.orchestrator.artifact+json';

/** Keeps a manifest; its name is the artifact's digest, since equal files make equal manifests. */
export async function keepManifest(files: ArtifactFile[], context: NodeContext): Promise<string> {
  const sorted = [...files].sort((a, b) => (a.path < b.path ? -1 : 1));
  return context.keep(
    Buffer.from(JSON.stringify({ files: sorted } satisfies ArtifactManifest)),
    MANIFEST_TYPE,
  );
}

export async function readManifest(blobs: Blobs, project_id: string, ref: string): Promise<ArtifactManifest> {
  const { bytes } = await blobs.get(project_id, ref);
  return JSON.parse(bytes.toString('utf8')) as ArtifactManifest;
}

/** The files with their content, by path. */
export async function filesOfManifest(
  blobs: Blobs,
  project_id: string,
  { files }: ArtifactManifest,
): Promise<Record<string, Uint8Array>> {
  const contents: Record<string, Uint8Array> = {};
  for (const { path: name, cas_id } of files) contents[name] = (await blobs.get(project_id, cas_id)).bytes;
  return contents;
}

/** Writes the files below a directory that is there. Throws `artifact_invalid` for a path that leads out of it. */
export async function writeArtifact(
  blobs: Blobs,
  { project_id, ref, directory }: { project_id: string; ref: string; directory: string },
): Promise<void> {
  const { files } = await readManifest(blobs, project_id, ref);
  for (const { path: name, cas_id, executable } of files) {
    const place = path.resolve(directory, name);
    if (!place.startsWith(`${directory}${path.sep}`))
      throw new StepFailure('artifact_invalid', `The artifact has a file outside of itself: ${name}.`);
    await mkdir(path.dirname(place), { recursive: true });
    const { bytes } = await blobs.get(project_id, cas_id);
    await writeFile(place, bytes, { mode: executable ? 0o755 : 0o644 });
  }
}

/** What of an artifact steps tell each other. */
export interface BuiltArtifact extends JsonObject {
  digest: string;
  /** Null for a workflow, whose version says it all. */
  artifact_ref: string | null;
  source: JsonObject;
}
