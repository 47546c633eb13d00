import type { EngineError, FrameType, PatchOperation } from './spec-engine.ts';
import type { JsonObject } from './json.ts';

export const DRAFT_STATES = ['open', 'published', 'discarded'] as const;
export type DraftState = (typeof DRAFT_STATES)[number];

/** `processing` until the engine is done; `completed` waits for a person. */
export const PROPOSAL_STATUSES = [
  'processing',
  'completed',
  'failed',
  'approved',
  'rejected',
  'superseded',
] as const;
export type ProposalStatus = (typeof PROPOSAL_STATUSES)[number];

/** What an engine made of instructions, as it is kept: the files are blobs. */
export interface Proposed {
  patch: PatchOperation[];
  files: Record<string, string | null>;
  message: string;
  questions: string[];
  understood: boolean;
}

/** Something that was heard while a proposal was worked out; `seq` starts at 1 and has no gaps. */
export interface ProposalFrame {
  seq: number;
  /** An engine that is asked again says everything again, under a higher number: what was heard before does not count then. */
  attempt: number;
  type: FrameType;
  time: Date;
  data: JsonObject;
}

/** What the workflow of a refinement is started with. */
export interface RefinementInput {
  project_id: string;
  proposal_id: string;
}

/** What it ends with. */
export type RefinementOutcome =
  { status: 'completed' } | { status: 'failed'; error: EngineError } | { status: 'dropped' };

export interface RefinementActivities {
  /** Has the engine work on the proposal and keeps what came of it. Nothing, if nobody waits for it any more. */
  refine(input: RefinementInput): Promise<RefinementOutcome>;
  /** Keeps that it failed for good. */
  failRefinement(input: RefinementInput, error: EngineError): Promise<void>;
}

export const refinementId = (proposal_id: string): string => `refinement-${proposal_id}`;
