import type { IntentEngine } from '../../contract/intent.ts';
import type { Json, JsonObject } from '../../contract/json.ts';

export interface ModelMessage {
  role: 'user' | 'assistant';
  content: string;
}

export interface ModelRequest {
  system: string;
  messages: readonly ModelMessage[];
  /** JSON Schema of the answer. Models follow it mostly; who asks must check. */
  schema: JsonObject;
  max_tokens: number;
  signal: AbortSignal;
}

/**
 * A model that answers in JSON, asked once: nobody here tries again. `complete` rejects with the reason of the signal, or with an
 * `AppError`: `forbidden` (the key), `rate_limited` and `overloaded` (later, with `retry_after_seconds` where it is known), and
 * `validation_failed` (it declined, was cut off or refused the request). No error holds the key, or what the far side said.
 */
export interface LanguageModel {
  engine: Exclude<IntentEngine, 'rules'>;
  complete(request: ModelRequest): Promise<Json>;
}

export interface ModelOptions {
  /** Of the API, with or without its version at the end. */
  base_url: string;
  model: string;
  key: string;
  timeout_ms?: number;
  max_response_bytes?: number;
}

/** What a schema and a tool are called: it is the only one. */
export const ANSWER = { name: 'answer', description: 'Gives the answer.' } as const;
