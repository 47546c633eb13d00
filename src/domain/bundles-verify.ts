import { AppError } from '../contract/errors.ts';
import type { Definition } from '../contract/definition.ts';
import type { Json } from '../contract/json.ts';
import type { BlobService } from './blobs.ts';
import { type EncodedDefinition, encodeDefinition, encodeJson } from './blobs-encode.ts';
import { fileHashes } from './bundles-files.ts';
import { type ArtifactLine, type Known, type Place, placeIn } from './bundles-place.ts';
import { documentCache } from './materialise-cache.ts';
import type { DefinitionService } from './materialise.ts';
import { badBundle, badLine } from './rules/bundle-format.ts';
import { applyPatch } from './rules/json-patch.ts';

/** An artifact of a bundle whose content is what it says. */
export interface Verified extends Place {
  op_count: number;
  nodes_count: number;
  edges_count: number;
}

/** What has come of a bundle so far. */
export interface Context {
  project_id: string;
  /** By the id in the bundle; null for one that was collected where the bundle was made. */
  known: ReadonlyMap<string, Known | null>;
  /** Whether a blob came with the bundle, or was said to be absent. */
  accounts(cas_id: string): boolean;
  /** Notes that something rests on a blob that did not come with the bundle. */
  restOn(cas_id: string): void;
  /** Bytes of a blob that came just now. */
  recent(cas_id: string): Buffer | undefined;
}

export interface VerifyDeps {
  blobs: Pick<BlobService, 'get' | 'head' | 'put'>;
  definitions: Pick<DefinitionService, 'read'>;
}

export type Verify = (context: Context, line: ArtifactLine) => Promise<Verified>;

const CACHE_BYTES = 16_777_216;
/** Far above any definition or patch that was ever accepted, far below what a blob may have. */
const MAX_DOCUMENT_BYTES = 8_388_608;

/**
 * Verifies artifacts in their order: each is materialised by the engine that will materialise it later, validated as if
 * it were saved, and must come out as the hash it names. The result is stored as a blob that nothing leads to yet.
 * Throws `bundle_invalid`.
 */
export function artifactVerifier(deps: VerifyDeps): Verify {
  const documents = documentCache(CACHE_BYTES);
  const documentOf = async ({ project_id }: Context, { here, version_hash }: Known): Promise<Definition> => {
    const cached = documents.get(version_hash);
    if (cached) return cached;
    if (here) return deps.definitions.read(project_id, { artifact_id: here.id, version_hash });
    const { bytes } = await deps.blobs.get(project_id, version_hash);
    return JSON.parse(bytes.toString('utf8')) as Definition;
  };
  return async (context, line) => {
    const place = placeIn(context.known, line);
    const below = place.below && (await documentOf(context, place.below));
    const { result, op_count } = await materialise(deps, context, line.value.cas_id, below).catch(
      (error: unknown) => {
        throw asProblem(error, line.number);
      },
    );
    if (result.cas_id !== line.value.version_hash)
      throw badLine(line.number, `materialises to ${result.cas_id}`, '/artifact/version_hash');
    await assertFiles(deps, context, { number: line.number, after: result.document, below });
    const { bytes, cas_id: expected, nodes_count, edges_count } = result;
    if (below) await deps.blobs.put(context.project_id, bytes, { media_type: 'application/json', expected });
    documents.set(expected, result.document, bytes.length);
    return { ...place, op_count, nodes_count, edges_count };
  };
}

/** The definition in a blob, or what the operations in it make of the one `below`. */
async function materialise(
  deps: VerifyDeps,
  context: Context,
  cas_id: string,
  below: Definition | undefined,
): Promise<{ result: EncodedDefinition; op_count: number }> {
  const bytes = context.recent(cas_id) ?? (await storedBytes(deps, context.project_id, cas_id));
  const content = JSON.parse(bytes.toString('utf8')) as Json;
  if (encodeJson(content).cas_id !== cas_id) throw invalid('The blob is not in its canonical form.');
  if (!below) return { result: encodeDefinition(content), op_count: 0 };
  const after = applyPatch(below as unknown as Json, content);
  return { result: encodeDefinition(after), op_count: (content as unknown[]).length };
}

async function storedBytes({ blobs }: VerifyDeps, project_id: string, cas_id: string): Promise<Buffer> {
  const { size_bytes } = await blobs.head(project_id, cas_id);
  if (size_bytes > MAX_DOCUMENT_BYTES) throw invalid('The blob is too large for a definition or a patch.');
  return (await blobs.get(project_id, cas_id)).bytes;
}

/** The files of the version below were looked for when that came. */
async function assertFiles(
  { blobs }: VerifyDeps,
  context: Context,
  { number, after, below }: { number: number; after: Definition; below: Definition | undefined },
): Promise<void> {
  const inherited = new Set(below ? fileHashes(below) : []);
  for (const cas_id of fileHashes(after)) {
    if (inherited.has(cas_id) || context.accounts(cas_id)) continue;
    await blobs.head(context.project_id, cas_id).catch((error: unknown) => {
      throw isUnreadable(error) ? badLine(number, `needs the file ${cas_id}, which has not come`) : error;
    });
    context.restOn(cas_id);
  }
}

const isUnreadable = (error: unknown): boolean =>
  error instanceof AppError && (error.family === 'not_found' || error.family === 'gone');

/** Wrong content is the bundle's fault; a database that is away is not. */
function asProblem(error: unknown, number: number): unknown {
  if (isUnreadable(error)) return badLine(number, 'needs a blob that has not come', '/artifact/cas_id');
  if (error instanceof SyntaxError) return badLine(number, 'its blob is not JSON', '/artifact/cas_id');
  if (!(error instanceof AppError) || !['invalid', 'conflict'].includes(error.family)) return error;
  const message = `does not materialise: ${error.message}`;
  const inner = (error.data.errors ?? []).map((problem) => ({
    ...problem,
    path: `/${number}/artifact${problem.path}`,
  }));
  return badBundle([{ path: `/${number}/artifact`, message }, ...inner], error);
}

const invalid = (detail: string) => new AppError('validation_failed', { detail });
