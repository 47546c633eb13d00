import { SpecEngineFailure } from '../../clients/spec-engine/failure.ts';
import type { Definition } from '../../contract/definition.ts';
import { AppError } from '../../contract/errors.ts';
import type { JsonObject } from '../../contract/json.ts';
import type { RefinementInput, RefinementOutcome } from '../../contract/refinement.ts';
import {
  type EngineError,
  type EngineResult,
  type PatchOperation,
  type RefineMessage,
  type RefineRequest,
  SPEC_ENGINE_LIMITS,
  type SpecEngine,
} from '../../contract/spec-engine.ts';
import type { Db } from '../../persistence/db.ts';
import { keepNamed } from '../../persistence/gc-keep.ts';
import type { ProposalFrameRepository } from '../../persistence/proposal-frames.ts';
import type { ProposalUpkeep } from '../../persistence/proposal-upkeep.ts';
import { proposalRepository, type ProposalRow } from '../../persistence/proposals.ts';
import type { BlobService } from '../blobs.ts';
import type { DefinitionService } from '../materialise.ts';
import { namesIn } from '../rules/gc-names.ts';
import { blankDefinition } from './blank-definition.ts';
import { beginHearing } from './hearing.ts';

export interface RefineDeps {
  db: Db;
  engine: SpecEngine;
  frames: ProposalFrameRepository;
  upkeep: Pick<ProposalUpkeep, 'noteAsked'>;
  definitions: Pick<DefinitionService, 'read'>;
  blobs: Pick<BlobService, 'get' | 'put'>;
}

/** Of all files that an engine is shown. */
const MAX_FILES_BYTES = 256 * 1024;
const EARLIER = 10;
/** So often a file is stored again that a collection has taken before it was named. */
const MAX_STORED = 5;

/** Has an engine work proposals out. Each function may be called again with the same argument. */
export function refineService(deps: RefineDeps) {
  const { db, engine, frames, upkeep, definitions, blobs } = deps;
  const proposals = proposalRepository(db);

  async function requestOf(proposal: ProposalRow): Promise<RefineRequest> {
    const { project_id, workflow, base_id, base_hash, thread_id, instructions, context } = proposal;
    const pinned = base_id !== null &&
      base_hash !== null && { artifact_id: base_id, version_hash: base_hash };
    const definition = pinned
      ? ((await definitions.read(project_id, pinned)) as unknown as JsonObject)
      : blankDefinition(workflow);
    const files = await filesOf(project_id, definition as unknown as Definition);
    const messages = await saidBefore(proposal);
    const about = context && { role: 'user' as const, content: `About this: ${JSON.stringify(context)}` };
    return {
      thread_id,
      instructions,
      context: { definition, files, messages: about ? [...messages, about] : messages },
    };
  }

  /** Text that lies beside the definition, as much as an engine may be shown. */
  async function filesOf(project_id: string, { files = {} }: Definition): Promise<Record<string, string>> {
    const texts: Record<string, string> = {};
    let left = MAX_FILES_BYTES;
    for (const [path, cas_id] of Object.entries(files).slice(0, SPEC_ENGINE_LIMITS.files)) {
      if (typeof cas_id !== 'string') continue;
      const { bytes } = await blobs.get(project_id, cas_id);
      const text = bytes.length > left ? undefined : textOf(bytes);
      if (text === undefined) continue;
      texts[path] = text;
      left -= bytes.length;
    }
    return texts;
  }

  /** The same whenever it is asked: an engine refuses another request for the same thread. */
  async function saidBefore({ project_id, draft_id, id, created_at }: ProposalRow): Promise<RefineMessage[]> {
    const earlier = await proposals.list(project_id, { draft_id }, EARLIER, { created_at, id });
    return earlier
      .filter(({ completed_at, message }) => message !== null && completed_at! < created_at)
      .reverse()
      .flatMap(({ instructions, message }) => [
        { role: 'user' as const, content: instructions },
        { role: 'assistant' as const, content: message! },
      ]);
  }

  /** New texts become blobs, and their names part of the patch. False: nobody waits for it. */
  async function keep(proposal: ProposalRow, request: RefineRequest, result: Attempted): Promise<boolean> {
    for (let stored = 1; ; stored++) {
      const files = await storedFiles(proposal, result);
      const patch = [...result.patch, ...fileOperations(request.context.definition, files)];
      const kept = await complete(proposal, { ...result, patch, files });
      if (kept !== 'collected') return kept;
      if (stored === MAX_STORED) throw new AppError('overloaded');
    }
  }

  async function storedFiles({ project_id }: ProposalRow, { files }: EngineResult): Promise<Kept['files']> {
    const kept: Kept['files'] = {};
    for (const [path, text] of Object.entries(files))
      kept[path] = text === null ? null : await put(project_id, text);
    return kept;
  }

  /** From here on the proposal holds what it names; what was collected just before is to be stored again. */
  async function complete({ project_id, id }: ProposalRow, result: Kept): Promise<boolean | 'collected'> {
    const own = Object.values(result.files);
    try {
      return await db.transaction(async (tx) => {
        if (!(await proposalRepository(tx).complete(id, result.attempt, result))) return false;
        const gone = await keepNamed(tx, project_id, namesIn(JSON.stringify([result.patch, own])));
        if (gone.some((cas_id) => own.includes(cas_id))) throw COLLECTED;
        return true;
      });
    } catch (error) {
      if (error === COLLECTED) return 'collected';
      throw error;
    }
  }

  async function put(project_id: string, text: string): Promise<string> {
    const media_type = 'text/plain; charset=utf-8';
    return (await blobs.put(project_id, Buffer.from(text), { media_type })).cas_id;
  }

  return {
    /** Rejects with the reason of the signal, or with what another try may help against. */
    async refine(
      { project_id, proposal_id }: RefinementInput,
      signal: AbortSignal,
    ): Promise<RefinementOutcome> {
      const proposal = await proposals.find(project_id, proposal_id);
      const hearing = proposal && (await beginHearing(frames, proposal_id));
      if (!hearing) return drop(proposal_id);
      const request = await requestOf(proposal);
      const either = AbortSignal.any([signal, hearing.over]);
      const outcome = await engine.refine(request, either, hearing.hear).then(
        (result) => ({ result }),
        (error: unknown) => ({ error }),
      );
      const attempt = await hearing.end();
      if ('error' in outcome && signal.aborted) throw outcome.error;
      if (attempt === undefined) return drop(proposal_id);
      if ('error' in outcome) return fail(proposal_id, failureOf(outcome.error), attempt);
      const is_kept = await keep(proposal, request, { ...outcome.result, attempt });
      return is_kept ? { status: 'completed' } : drop(proposal_id);
    },

    /** Keeps that nothing will come of it. */
    fail: ({ proposal_id }: RefinementInput, error: EngineError): Promise<RefinementOutcome> =>
      fail(proposal_id, error),
  };

  async function fail(id: string, error: EngineError, attempt?: number): Promise<RefinementOutcome> {
    return (await proposals.fail(id, error, attempt)) ? { status: 'failed', error } : drop(id);
  }

  /** Nobody waits for it; but the engine may have been asked since it was told to forget. */
  async function drop(id: string): Promise<RefinementOutcome> {
    await upkeep.noteAsked(id);
    return { status: 'dropped' };
  }
}

export type RefineService = ReturnType<typeof refineService>;

type Attempted = EngineResult & { attempt: number };
/** As it is kept: the files are blobs. */
type Kept = Omit<Attempted, 'files'> & { files: Record<string, string | null> };

const COLLECTED = new Error('A file was collected before it was named.');

function textOf(bytes: Buffer): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

function fileOperations(base: JsonObject, files: Record<string, string | null>): PatchOperation[] {
  const paths = Object.keys(files);
  if (paths.length === 0) return [];
  const known = (base.files ?? {}) as Record<string, unknown>;
  const begin: PatchOperation[] = base.files === undefined ? [{ op: 'add', path: '/files', value: {} }] : [];
  const each = paths.flatMap((name): PatchOperation[] => {
    const path = `/files/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
    const cas_id = files[name]!;
    if (cas_id !== null) return [{ op: 'add', path, value: cas_id }];
    return name in known ? [{ op: 'remove', path }] : [];
  });
  return [...begin, ...each];
}

/** What the engine failed with for good. Throws what another try may help against. */
function failureOf(error: unknown): EngineError {
  if (!(error instanceof SpecEngineFailure)) throw error;
  const { code, message, details } = error;
  if (code !== 'unavailable') return { code: details.engine_code ?? code, message };
  const { retry_after_seconds } = details;
  throw new AppError('spec_engine_unavailable', { detail: message, retry_after_seconds, cause: error });
}
