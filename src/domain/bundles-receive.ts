import { AppError, type Problem } from '../contract/errors.ts';
import { findStandIn } from '../persistence/bundles.ts';
import type { Db } from '../persistence/db.ts';
import type { BlobService } from './blobs.ts';
import type { Known } from './bundles-place.ts';
import { piecesOf, readBundle } from './bundles-read.ts';
import type { Context, Verified, Verify } from './bundles-verify.ts';
import { badLine, type Line, type LineKind } from './rules/bundle-format.ts';
import { type HistoryCheck, historyCheck } from './rules/bundle-history.ts';
import type { Lines } from './rules/bundle-lines.ts';
import { workflowOf } from './rules/tag-name.ts';

/** A bundle that has come to its end and is right in every part. Only blobs are stored, and nothing leads to them. */
export interface Received {
  workflow: Lines['header']['workflow'];
  tags: { line: Lines['tag']; number: number; target: Known }[];
  artifacts: Verified[];
  /** Blobs that the project could not read before. */
  new_blobs: number;
  /** Files that definitions name and that were not there where the bundle was made. */
  absent: string[];
  /** What was here and must still be when the rest is stored: artifact ids, and cas ids of files. */
  rests_on: { artifacts: string[]; files: string[] };
}

export interface ReceiveDeps {
  db: Db;
  blobs: Pick<BlobService, 'put' | 'receive'>;
  /** A verifier of its own for each bundle. */
  verifier: () => Verify;
  limits: { bundle_bytes: number; bundle_artifacts: number; blob_bytes: number };
}

/** A blob up to this size is held until the next one comes: the artifact that is made of it stands right behind. */
const SMALL_BYTES = 1_048_576;

/**
 * Reads a bundle to its end, in memory that depends on the number of its artifacts alone. Throws `bundle_invalid` at the
 * first line that is wrong, `state_conflict` when the project lacks what the bundle builds on, `payload_too_large`.
 */
export async function receiveBundle(
  deps: ReceiveDeps,
  project_id: string,
  source: AsyncIterable<Buffer>,
): Promise<Received> {
  const state = emptyState(project_id);
  const verify = deps.verifier();
  const lines = readBundle(source, deps.limits.bundle_bytes);
  for await (const line of lines) {
    if (line.kind !== 'requires') assertNothingLacking(state.lacking);
    if (line.kind === 'blob') await takeBlob(deps, state, lines, line);
    else if (line.kind === 'artifact') await takeArtifact(deps, state, verify, line);
    else if (line.kind === 'requires' || line.kind === 'missing') await takeElsewhere(deps, state, line);
    else if (line.kind === 'move') takeMove(state, line);
    else if (line.kind === 'trailer') endHistory(state, line.number);
    else takeOther(state, line);
  }
  return receivedOf(state);
}

function receivedOf(state: State): Received {
  const { workflow, artifacts, new_blobs, known } = state;
  const tags = state.tags.map(({ value, number }) => ({
    line: value,
    number,
    target: state.known.get(value.artifact_id)!,
  }));
  const here = [...known.values()].flatMap((version) => version?.here?.id ?? []);
  const rests_on = { artifacts: here, files: [...state.files] };
  return { workflow, tags, artifacts, new_blobs, absent: [...state.absent], rests_on };
}

type LineOf<K extends LineKind> = Extract<Line, { kind: K }>;

interface State extends Context {
  known: Map<string, Known | null>;
  workflow: Lines['header']['workflow'];
  tags: LineOf<'tag'>[];
  artifacts: Verified[];
  /** Cas ids that came. */
  came: Set<string>;
  last?: { cas_id: string; bytes: Buffer };
  absent: Set<string>;
  files: Set<string>;
  new_blobs: number;
  lacking: Problem[];
  history?: HistoryCheck;
}

function emptyState(project_id: string): State {
  const [came, absent, files] = [new Set<string>(), new Set<string>(), new Set<string>()];
  const state: State = {
    project_id,
    known: new Map(),
    workflow: null,
    tags: [],
    artifacts: [],
    came,
    absent,
    files,
    new_blobs: 0,
    lacking: [],
    accounts: (cas_id) => came.has(cas_id) || absent.has(cas_id),
    restOn: (cas_id) => void files.add(cas_id),
    recent: (cas_id) => (state.last?.cas_id === cas_id ? state.last.bytes : undefined),
  };
  return state;
}

function takeOther(state: State, line: LineOf<'header' | 'tag' | 'absent' | 'bytes'>): void {
  if (line.kind === 'bytes') throw badLine(line.number, 'belongs to no blob');
  if (line.kind === 'header') state.workflow = line.value.workflow;
  if (line.kind === 'absent') state.absent.add(line.value);
  if (line.kind !== 'tag') return;
  if (workflowOf(line.value.name) !== state.workflow?.name)
    throw badLine(line.number, 'is no tag of the workflow of this bundle', '/tag/name');
  if (line.value.name <= (state.tags.at(-1)?.value.name ?? ''))
    throw badLine(line.number, 'tags come by name, each once', '/tag/name');
  state.tags.push(line);
}

async function takeElsewhere(
  { db }: ReceiveDeps,
  state: State,
  { kind, value, number }: LineOf<'requires' | 'missing'>,
): Promise<void> {
  if (state.known.has(value.id)) throw badLine(number, 'has come before', `/${kind}/id`);
  const { version_hash } = value;
  const row = await findStandIn(db, state.project_id, value);
  state.known.set(value.id, row ? { kind: row.kind, version_hash, here: { ...row, version_hash } } : null);
  if (!row && kind === 'requires')
    state.lacking.push({ path: `/${number}/requires`, message: `${version_hash} is not here` });
}

function assertNothingLacking(errors: readonly Problem[]): void {
  if (errors.length === 0) return;
  const detail = 'The bundle builds on versions that are not here; ask for one without `have`.';
  throw new AppError('state_conflict', { detail, errors });
}

async function takeBlob(
  { blobs, limits }: ReceiveDeps,
  state: State,
  lines: AsyncIterator<Line, undefined>,
  line: LineOf<'blob'>,
): Promise<void> {
  const { cas_id, media_type, size_bytes } = line.value;
  if (state.came.has(cas_id)) throw badLine(line.number, 'has come before', '/blob/cas_id');
  const pieces = piecesOf(lines, line);
  const upload = { media_type, expected: cas_id, announced_bytes: size_bytes };
  const storing =
    size_bytes > Math.min(SMALL_BYTES, limits.blob_bytes)
      ? blobs.receive(state.project_id, pieces, upload)
      : collect(pieces).then((bytes) => {
          state.last = { cas_id, bytes };
          return blobs.put(state.project_id, bytes, upload);
        });
  const { created } = await storing.catch((error: unknown) => {
    const is_other = error instanceof AppError && error.code === 'hash_mismatch';
    throw is_other ? badLine(line.number, 'its bytes have another hash', '/blob/cas_id') : error;
  });
  state.came.add(cas_id);
  if (created) state.new_blobs += 1;
}

async function collect(pieces: AsyncIterable<Buffer>): Promise<Buffer> {
  const all: Buffer[] = [];
  for await (const piece of pieces) all.push(piece);
  return Buffer.concat(all);
}

async function takeArtifact(
  { limits }: ReceiveDeps,
  state: State,
  verify: Verify,
  line: LineOf<'artifact'>,
): Promise<void> {
  if (state.artifacts.length >= limits.bundle_artifacts) {
    const detail = `A bundle has at most ${limits.bundle_artifacts} artifacts.`;
    throw new AppError('payload_too_large', { detail });
  }
  const verified = await verify(state, line);
  state.known.set(line.value.id, verified);
  state.artifacts.push(verified);
}

function takeMove(state: State, { value, number }: LineOf<'move'>): void {
  state.history ??= beginHistory(state);
  const problem = state.history.next(value);
  if (problem !== undefined) throw badLine(number, problem, '/move');
}

/** Every version has come by now, so every tag must have its own. */
function beginHistory({ tags, known }: State): HistoryCheck {
  for (const { value, number } of tags) {
    if (known.get(value.artifact_id)?.version_hash !== value.version_hash)
      throw badLine(number, 'points at nothing in this bundle', '/tag/artifact_id');
  }
  return historyCheck(tags.map((tag) => tag.value));
}

function endHistory(state: State, number: number): void {
  const open = (state.history ?? beginHistory(state)).end();
  if (open !== undefined) throw badLine(number, open);
}
