import type { CommandType, RunState } from '../../contract/run.ts';

const OPEN: readonly RunState[] = ['queued', 'provisioning', 'running'];

/**
 * The states in which a command may be accepted (contract §5). A resume also overtakes a pause that is still pending,
 * and a second pause has nothing to do.
 */
export function acceptedIn(type: CommandType, pause_pending: boolean): readonly RunState[] {
  switch (type) {
    case 'pause':
      return pause_pending ? [] : OPEN;
    case 'resume':
      return pause_pending ? [...OPEN, 'paused'] : ['paused'];
    case 'cancel':
    case 'tune':
    case 'event':
    case 'decide':
    case 'complete':
      return [...OPEN, 'paused'];
    case 'terminate':
      return [...OPEN, 'paused', 'terminating'];
  }
}
