import { specEngineClient, type SpecEngineClientOptions } from '../../../src/clients/spec-engine/client.ts';
import { serveSpecEngine, type SpecEngineServerOptions } from '../../../src/clients/spec-engine/server.ts';
import type {
  DefinitionTools,
  EngineResult,
  Refiner,
  RefineRequest,
} from '../../../src/contract/spec-engine.ts';
import { validateDefinition } from '../../../src/domain/rules/definition.ts';
import { applyPatch } from '../../../src/domain/rules/json-patch.ts';
import { DEFINITION } from '../../spec-engine/worked.ts';

export const TOOLS: DefinitionTools = { validate: validateDefinition, applyPatch };
export const { signal } = new AbortController();

export const requestOf = (thread_id: string, instructions = 'retry fetch 3 times'): RefineRequest => ({
  thread_id,
  instructions,
  context: { definition: DEFINITION },
});

export const RESULT: EngineResult = {
  patch: [{ op: 'add', path: '/description', value: 'x' }],
  files: {},
  message: 'Done.',
  questions: [],
  understood: true,
};

/** An engine that works until it is told the outcome. */
export function heldRefiner() {
  const waiting: {
    resolve: (result: EngineResult) => void;
    reject: (error: Error) => void;
    onProgress: (text: string) => void;
  }[] = [];
  const refiner: Refiner = {
    engine: 'rules',
    refine: (_request, { signal: given_up, onProgress }) =>
      new Promise((resolve, reject) => {
        given_up.addEventListener('abort', () => reject(given_up.reason as Error));
        waiting.push({ resolve, reject, onProgress });
      }),
  };
  return { refiner, waiting };
}

export async function served(
  options: Partial<SpecEngineServerOptions> & Pick<SpecEngineServerOptions, 'refiner'>,
) {
  const errors: unknown[] = [];
  const server = await serveSpecEngine({
    address: '127.0.0.1:0',
    work_ms: 60_000,
    onError: (error) => errors.push(error),
    ...options,
  });
  return { server, errors, url: `http://127.0.0.1:${server.port}` };
}

/** A client that does not wait long between its attempts. */
export function hasty(url: string, options: Partial<SpecEngineClientOptions> = {}) {
  return specEngineClient({
    url,
    timeout_ms: 10_000,
    work_ms: 60_000,
    first_pause_ms: 1,
    poll_ms: 5,
    failures: 1_000,
    ...options,
  });
}
