import { specEngineClient } from './clients/spec-engine/client.ts';
import { inProcessEngine } from './clients/spec-engine/in-process.ts';
import { llmRefiner } from './clients/spec-engine/llm-refiner.ts';
import { createModel } from './container-intents.ts';
import type { Base } from './container-store.ts';
import type { DefinitionTools, Refiner, SpecEngine } from './contract/spec-engine.ts';
import { validateDefinition } from './domain/rules/definition.ts';
import { applyPatch } from './domain/rules/json-patch.ts';
import { rulesRefiner } from './spec-engine/refine.ts';

const TOOLS: DefinitionTools = { validate: validateDefinition, applyPatch };

/** What works refinements out without asking another service: the language model, or else the rules of the product. */
export function createRefiner(base: Pick<Base, 'config'>): Refiner {
  const model = createModel(base);
  return model ? llmRefiner(model, TOOLS) : rulesRefiner(TOOLS);
}

/** The Spec Engine that refinements ask: the one of the configuration, or else our own within this process. */
export function createSpecEngine({ config, logger }: Pick<Base, 'config' | 'logger'>): SpecEngine {
  const { url, token, timeout_seconds, work_seconds, allow_hosts } = config.spec_engine;
  const work_ms = work_seconds * 1_000;
  if (url !== undefined)
    return specEngineClient({
      url,
      token: token?.reveal(),
      timeout_ms: timeout_seconds * 1_000,
      work_ms,
      allow_hosts,
    });
  return inProcessEngine({
    refiner: createRefiner({ config }),
    work_ms,
    onError: (err) => logger.warn({ err }, 'the Spec Engine failed'),
  });
}
