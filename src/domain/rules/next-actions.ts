import type { RunState } from '../../contract/run.ts';

/** What can be done about a run, as a request. */
export interface NextAction {
  action: 'retry' | 'fork';
  method: 'POST';
  href: string;
  description: string;
}

interface Ended {
  id: string;
  state: RunState;
  executor: 'temporal' | 'external';
  error: { step?: string } | null;
}

/** What the caller of a run that did not succeed may do next; nothing for every other run. */
export function nextActions({ id, state, executor, error }: Ended): NextAction[] {
  const unhappy =
    state === 'failed' || state === 'errored' || state === 'cancelled' || state === 'terminated';
  if (!unhappy || executor !== 'temporal') return [];
  const at = error?.step ? `at the step ${error.step}` : 'where it stopped';
  const request = (action: NextAction['action'], description: string): NextAction => ({
    action,
    method: 'POST',
    href: `/api/v1/runs/${id}/${action}`,
    description,
  });
  return [
    request('retry', `A new run that begins ${at}; what succeeded before it is not done again.`),
    request('fork', 'A new run from any step, with another input, other params or on another version.'),
  ];
}
