import type { CommandType, RunState } from '../../contract/run.ts';

/** What a runtime says of a command it was given. */
export type AckStatus = 'acknowledged' | 'rejected';

interface Given {
  state: RunState;
  type: CommandType;
  /** A pause gave way to this resume: the runtime may never have paused. */
  overtook_pause: boolean;
}

export interface AckDecision {
  command: AckStatus;
  /** Why the engine refuses what the runtime has acknowledged. */
  reason?: string;
  /** The state the run changes to. */
  to?: RunState;
}

const PAUSABLE: readonly RunState[] = ['queued', 'provisioning', 'running'];

/**
 * What an answer of the runtime does to its run: the precondition of the command is checked again, now that it is
 * applied (contract §5). The run has not ended.
 */
export function decideAck(status: AckStatus, { state, type, overtook_pause }: Given): AckDecision {
  if (status === 'rejected') return { command: 'rejected' };
  switch (type) {
    case 'pause':
      if (PAUSABLE.includes(state)) return { command: 'acknowledged', to: 'paused' };
      return refused('The run cannot pause now.');
    case 'resume':
      if (state === 'paused') return { command: 'acknowledged', to: 'running' };
      return overtook_pause ? { command: 'acknowledged' } : refused('The run is not paused.');
    case 'terminate':
      return { command: 'acknowledged', to: 'terminated' };
    case 'cancel':
      return { command: 'acknowledged', to: 'cancelled' };
    case 'tune':
    case 'event':
    case 'decide':
    case 'complete':
      return { command: 'acknowledged' };
  }
}

const refused = (reason: string): AckDecision => ({ command: 'rejected', reason });
