/** The Spec Engine: what writes a change of a definition from instructions, how it is asked, and what it answers (docs/spec-engine.md). */
import type { NodeType } from './definition.ts';
import type { CatalogueWorkflow } from './intent.ts';
import type { Json, JsonObject } from './json.ts';

export const SPEC_ENGINE_LIMITS = {
  instructions_chars: 16_384,
  /** Of a request, of an answer, and of one frame. */
  bytes: 1_048_576,
  depth: 80,
  files: 500,
  path_chars: 500,
  messages: 100,
  message_chars: 20_000,
  operations: 1_000,
  questions: 100,
  workflows: 10_000,
} as const;

/** What a thread is called: who asks makes it up. */
export const THREAD_ID = /^[A-Za-z0-9_-]{1,128}$/;

export interface RefineContext {
  /** The document to be changed. */
  definition: JsonObject;
  /** Text by path: what lies beside the definition. */
  files?: Record<string, string>;
  /** What a step may be; any type without it. */
  node_types?: NodeType[];
  /** Workflows that a step may run. */
  workflows?: CatalogueWorkflow[];
  /** What was said before. */
  messages?: RefineMessage[];
}

export interface RefineMessage {
  role: 'user' | 'assistant';
  content: string;
}

export interface RefineRequest {
  thread_id: string;
  instructions: string;
  context: RefineContext;
}

/** One operation of a JSON Patch (RFC 6902). */
export type PatchOperation =
  | { op: 'add' | 'replace' | 'test'; path: string; value: Json }
  | { op: 'remove'; path: string }
  | { op: 'move' | 'copy'; from: string; path: string };

export interface EngineResult {
  /** Against the definition of the request; empty when nothing is to be changed, or not everything was understood. */
  patch: PatchOperation[];
  /** New texts by path; null takes a file away. */
  files: Record<string, string | null>;
  /** What was done, or why nothing was, for a person. */
  message: string;
  /** What has to be said before anything is done. */
  questions: string[];
  /** False: nothing is changed, and `questions` say what is missing. */
  understood: boolean;
}

export const ENGINE_STATUSES = ['processing', 'completed', 'failed'] as const;
export type EngineStatus = (typeof ENGINE_STATUSES)[number];

export interface EngineError {
  code: string;
  message: string;
}

/** Of a thread. `result` is there when it is completed, `error` when it failed. */
export interface EngineState {
  thread_id: string;
  status: EngineStatus;
  result?: EngineResult;
  error?: EngineError;
  /** Of its latest frame. */
  last_seq: number;
}

export const FRAME_TYPES = ['status', 'progress', 'patch', 'message', 'error', 'end'] as const;
export type FrameType = (typeof FRAME_TYPES)[number];

/** One message of a thread's stream; `seq` starts at 1 and has no gaps. */
export interface EngineFrame {
  seq: number;
  type: FrameType;
  /** RFC 3339, UTC. */
  time: string;
  data: JsonObject;
}

export type EngineName = 'rules' | 'openai' | 'anthropic';

export interface EngineHealth {
  status: 'ok';
  engine: string;
}

/**
 * What is asked for changes. All calls reject with the reason of their signal, or with a `SpecEngineFailure`
 * (src/clients/spec-engine/failure.ts).
 */
export interface SpecEngine {
  /**
   * Has the engine work on a thread until it is done. The same request for the same thread joins work under way and finds what is
   * done already. `onEvent` gets each frame once, in order, as far as the stream could be had.
   */
  refine(
    request: RefineRequest,
    signal: AbortSignal,
    onEvent?: (frame: EngineFrame) => void,
  ): Promise<EngineResult>;
  /** The engine keeps nothing of the thread; work under way is given up. To forget what is not known succeeds. */
  forget(thread_id: string, signal?: AbortSignal): Promise<void>;
  health(signal?: AbortSignal): Promise<EngineHealth>;
  close(): Promise<void>;
}

/** Works one request out. Rejects with the reason of the signal, or with an `AppError` that says why it cannot be done. */
export interface Refiner {
  engine: EngineName;
  refine(
    request: RefineRequest,
    options: { signal: AbortSignal; onProgress: (message: string) => void },
  ): Promise<EngineResult>;
}

/** What an engine has to know of definitions. */
export interface DefinitionTools {
  /** Every problem of a document, empty for a valid definition. */
  validate: (document: unknown) => readonly { path: string; message: string }[];
  /** Throws `AppError` for a patch that is wrong or does not apply. */
  applyPatch: (document: Json, operations: unknown) => Json;
}
