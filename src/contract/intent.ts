/** What somebody asks for in their own words: how it is asked, what is understood of it, and what is planned. */
import type { Definition, NodeType } from './definition.ts';
import type { Json, JsonObject } from './json.ts';

/** The built-in workflows that a plan may hold; `intent_processing` plans none of itself. */
export const PLANNED_TYPES = ['code_execution', 'code_analysis', 'code_review', 'deployment'] as const;
export type PlannedType = (typeof PLANNED_TYPES)[number];

/** What one step does: a node type, or a built-in workflow. A `map` is a step with `for_each`; `code` runs as `code_execution`. */
export const INTENT_ACTIONS = [
  'http',
  'wait',
  'approval',
  'agent',
  'run',
  'transform',
  ...PLANNED_TYPES,
] as const;
export type IntentAction = (typeof INTENT_ACTIONS)[number];

export const RISK_KINDS = ['production', 'deletion', 'spending', 'secrets'] as const;
export type RiskKind = (typeof RISK_KINDS)[number];

export const QUESTION_SUBJECTS = ['what', 'where', 'when', 'which', 'code'] as const;
export type QuestionSubject = (typeof QUESTION_SUBJECTS)[number];

/** A text above `chars` is refused; one that asks for more than the other limits allow gets a question. */
export const INTENT_LIMITS = {
  chars: 16_384,
  steps: 50,
  items: 200,
  context_bytes: 65_536,
  workflows: 10_000,
} as const;

export interface CatalogueWorkflow {
  name: string;
  description?: string;
  /** How somebody asked for it before. */
  examples?: string[];
}

/** What a plan may be made of. */
export interface IntentCatalogue {
  workflows: CatalogueWorkflow[];
  /** Built-in workflows. */
  types: string[];
  node_types: NodeType[];
}

export interface IntentRequest {
  intent: string;
  /**
   * What is known besides: values of the names in `CONTEXT_NAMES` stand in for what the text leaves out.
   */
  context?: JsonObject;
  catalogue: IntentCatalogue;
}

/** Members of the context that the embedded engine reads; each is used only where the text names no other. */
export const CONTEXT_NAMES = ['repository', 'environment', 'version', 'head', 'base'] as const;

export interface IntentRisk {
  kind: RiskKind;
  message: string;
  /** The step it comes from; absent: the whole. */
  step?: string;
}

export interface IntentQuestion {
  about: QuestionSubject;
  question: string;
  step?: string;
}

/** When a step is to run, told by an earlier one. `negated` turns it round. */
export interface StepCondition {
  step: string;
  test: 'failed' | 'status' | 'exit_code' | 'score';
  /** With `status`, `exit_code` and `score`. */
  operator?: '==' | '<' | '<=' | '>' | '>=';
  value?: number;
  negated: boolean;
}

export interface IntentStep {
  /** Letters, digits and _; a node id. */
  id: string;
  action: IntentAction;
  /** The words it was recognised by. */
  text: string;
  /** 0..1 */
  confidence: number;
  /** Steps that must have ended before. */
  needs: string[];
  /** Steps whose result it takes; a part of `needs`. */
  uses: string[];
  parameters: JsonObject;
  when?: StepCondition;
  /** It is done even when a step it needs was skipped. */
  regardless?: boolean;
  /**
   * The step is done for each of these values, or of the elements that an earlier step answered; `into` is the path in
   * `parameters` that takes the one at hand.
   */
  for_each?: { into: string[]; items?: Json[]; step?: string };
  max_attempts?: number;
  timeout_seconds?: number;
}

export type IntentEngine = 'rules' | 'openai' | 'anthropic';

export interface IntentAnalysis {
  /** The action of the only step; `composite` for several, `unknown` for none. */
  kind: IntentAction | 'composite' | 'unknown';
  /** 0..1, that of the least certain step. */
  confidence: number;
  /** What the text names; a list where a name has several values. */
  entities: JsonObject;
  /** By step. */
  parameters: Record<string, JsonObject>;
  risks: IntentRisk[];
  /** In an order that respects `needs`. */
  steps: IntentStep[];
  /** Cron expressions, in UTC. */
  schedules: string[];
  needs_clarification: boolean;
  questions: IntentQuestion[];
  engine: IntentEngine;
  /** What was understood and what was assumed, for a person. */
  explanation: string;
}

export type IntentPlan = { definition: Definition } | { questions: IntentQuestion[] };

/**
 * Both calls reject with an `AppError`: `validation_failed` for a request beyond `INTENT_LIMITS` or an analysis that does not
 * hold together, and what the far side got wrong; with the reason of `signal` when that is aborted.
 */
export interface IntentService {
  analyse(request: IntentRequest, options: { signal: AbortSignal }): Promise<IntentAnalysis>;
  /** A definition that validates, or the questions to be answered first. */
  plan(
    request: IntentRequest,
    analysis: IntentAnalysis,
    options: { signal: AbortSignal },
  ): Promise<IntentPlan>;
}
