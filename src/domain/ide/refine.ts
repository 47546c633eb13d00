import { SpecEngineFailure } from '../../clients/spec-engine/failure.ts';
import type { Definition } from '../../contract/definition.ts';
import { AppError } from '../../contract/errors.ts';
import type { JsonObject } from '../../contract/json.ts';
import type { RefinementInput, RefinementOutcome } from '../../contract/refinement.ts';
import {
  type EngineError,
  type EngineFrame,
  type EngineResult,
  type PatchOperation,
  type RefineMessage,
  type RefineRequest,
  SPEC_ENGINE_LIMITS,
  type SpecEngine,
} from '../../contract/spec-engine.ts';
import type { ProposalFrameRepository } from '../../persistence/proposal-frames.ts';
import type { ProposalRepository, ProposalRow } from '../../persistence/proposals.ts';
import type { BlobService } from '../blobs.ts';
import type { DefinitionService } from '../materialise.ts';
import { blankDefinition } from './blank-definition.ts';

export interface RefineDeps {
  engine: SpecEngine;
  proposals: ProposalRepository;
  frames: ProposalFrameRepository;
  definitions: Pick<DefinitionService, 'read'>;
  blobs: Pick<BlobService, 'get' | 'put'>;
  clock: () => Date;
}

/** Of all files that an engine is shown. */
const MAX_FILES_BYTES = 256 * 1024;
const EARLIER = 10;

/** Has an engine work proposals out. Each function may be called again with the same argument. */
export function refineService(deps: RefineDeps) {
  const { engine, proposals, frames, definitions, blobs } = deps;

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

  async function saidBefore({ project_id, draft_id, id }: ProposalRow): Promise<RefineMessage[]> {
    const earlier = await proposals.list(project_id, { draft_id }, EARLIER + 1);
    return earlier
      .filter((one) => one.id !== id && one.message !== null)
      .reverse()
      .flatMap(({ instructions, message }) => [
        { role: 'user' as const, content: instructions },
        { role: 'assistant' as const, content: message! },
      ]);
  }

  /** New texts become blobs, and their names part of the patch. */
  async function keep(proposal: ProposalRow, base: JsonObject, result: EngineResult): Promise<boolean> {
    const kept: Record<string, string | null> = {};
    for (const [path, text] of Object.entries(result.files)) {
      kept[path] = text === null ? null : await put(proposal.project_id, text);
    }
    const patch = [...result.patch, ...fileOperations(base, kept)];
    const { message, questions, understood } = result;
    return proposals.complete(proposal.id, { patch, files: kept, message, questions, understood });
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
      if (proposal?.status !== 'processing') return { status: 'dropped' };
      const request = await requestOf(proposal);
      let hearing = Promise.resolve();
      const hear = ({ type, time, data }: EngineFrame) => {
        if (type === 'end') return;
        hearing = hearing.then(() => frames.append(proposal_id, { type, time: new Date(time), data }));
        // Awaited below; until then nobody else may look.
        hearing.catch(() => undefined);
      };
      const outcome = await engine.refine(request, signal, hear).then(
        (result) => ({ result }),
        (error: unknown) => ({ error }),
      );
      await hearing;
      if ('error' in outcome) {
        if (signal.aborted) throw outcome.error;
        return this.fail({ project_id, proposal_id }, failureOf(outcome.error));
      }
      const is_kept = await keep(proposal, request.context.definition, outcome.result);
      if (is_kept) await end(proposal_id, 'completed');
      return { status: is_kept ? 'completed' : 'dropped' };
    },

    /** Keeps that nothing will come of it. */
    async fail({ proposal_id }: RefinementInput, error: EngineError): Promise<RefinementOutcome> {
      if (!(await proposals.fail(proposal_id, error))) return { status: 'dropped' };
      await end(proposal_id, 'failed');
      return { status: 'failed', error };
    },

    /** Tells the engine of threads that nobody needs any more; what it cannot be told now stays for the next time. */
    async forget(signal?: AbortSignal): Promise<number> {
      const threads = await proposals.unforgotten(100);
      for (const { id, thread_id } of threads) {
        await engine.forget(thread_id, signal);
        await proposals.noteForgotten(id);
      }
      return threads.length;
    },
  };

  async function end(proposal_id: string, status: string): Promise<void> {
    await frames.append(proposal_id, { type: 'end', time: deps.clock(), data: { status } });
  }
}

export type RefineService = ReturnType<typeof refineService>;

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
