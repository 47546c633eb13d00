import { readFile } from 'node:fs/promises';
import { grpcIntents } from './clients/intents/grpc-client.ts';
import { serveIntents } from './clients/intents/grpc-server.ts';
import { llmIntents } from './clients/intents/llm-service.ts';
import { anthropicModel } from './clients/llm/anthropic.ts';
import type { LanguageModel } from './clients/llm/language-model.ts';
import { openAiModel } from './clients/llm/openai.ts';
import type { Base, Store } from './container-store.ts';
import { NODE_TYPES } from './contract/definition.ts';
import type { IntentCatalogue, IntentService } from './contract/intent.ts';
import { BUILTIN_DEFINITIONS } from './domain/builtins/definitions.ts';
import { validateDefinition } from './domain/rules/definition.ts';
import { embeddedIntents } from './intents/embedded.ts';

const BASE_URLS = { openai: 'https://api.openai.com/v1', anthropic: 'https://api.anthropic.com/v1' } as const;
const LOOPBACK = '127.0.0.1';
/** Workflows of a project that a plan may begin. */
const CATALOGUE_WORKFLOWS = 1_000;

/** The language model, where one is configured. */
export function createModel({ config: { llm } }: Pick<Base, 'config'>): LanguageModel | undefined {
  const { provider, model, api_key, base_url, timeout_seconds } = llm;
  if (provider === undefined || model === undefined || api_key === undefined) return undefined;
  const make = provider === 'openai' ? openAiModel : anthropicModel;
  return make({
    base_url: base_url ?? BASE_URLS[provider],
    model,
    key: api_key.reveal(),
    timeout_ms: timeout_seconds * 1_000,
  });
}

/** What understands intents without asking another service: the language model, or else the rules of the product. */
export function createOwnIntents(base: Pick<Base, 'config'>): IntentService {
  const model = createModel(base);
  return model ? llmIntents({ model, validate: validateDefinition }) : embeddedIntents();
}

/**
 * The intent service, once it is first asked for. Without an address one of our own is served on a port of this process, so
 * that what is asked always goes over the same wire.
 */
export function createIntents(base: Base): () => Promise<IntentService> {
  let opened: Promise<IntentService> | undefined;
  return () => (opened ??= open(base));
}

async function open({ config, logger }: Base): Promise<IntentService> {
  const { address, tls_ca_file, deadline_seconds } = config.intents;
  const deadline_ms = deadline_seconds * 1_000;
  if (address !== undefined) {
    const ca =
      tls_ca_file === undefined || tls_ca_file === 'system' ? undefined : await readFile(tls_ca_file, 'utf8');
    const tls = tls_ca_file === undefined ? undefined : ca === undefined ? {} : { ca };
    return grpcIntents({ address, tls, deadline_ms });
  }
  const server = await serveIntents({
    service: createOwnIntents({ config }),
    address: `${LOOPBACK}:0`,
    onError: (err) => logger.warn({ err }, 'the intent service failed'),
  });
  return grpcIntents({ address: `${LOOPBACK}:${server.port}`, deadline_ms });
}

/** What a plan of a project may be made of. */
export function createCatalogue({ workflows }: Pick<Store, 'workflows'>) {
  return async (project_id: string): Promise<IntentCatalogue> => {
    const known: IntentCatalogue['workflows'] = [];
    for (let after: string | undefined; known.length < CATALOGUE_WORKFLOWS;) {
      const { items, next } = await workflows.list({ project_id }, { after, limit: 100 });
      for (const { workflow, description, id } of items)
        if (workflow !== null && id !== null)
          known.push({ name: workflow, ...(description ? { description } : {}) });
      if (next === null || next === undefined) break;
      after = next;
    }
    const types = Object.keys(BUILTIN_DEFINITIONS).filter((type) => type !== 'intent_processing');
    return { workflows: known, types, node_types: [...NODE_TYPES] };
  };
}
