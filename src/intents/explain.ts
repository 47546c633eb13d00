import type { Draft } from './draft.ts';
import { nameOf } from './recognise.ts';

/** What was understood, in sentences. */
export function explain(
  { steps, questions }: Pick<Draft, 'steps' | 'questions'>,
  schedules: readonly string[],
): string {
  if (steps.length === 0) return 'Nothing here is something that can be planned by rules.';
  const lines = steps.map(({ id, action, text, needs, when, for_each }) => {
    const after = needs.length === 0 ? '' : ` after ${needs.join(' and ')}`;
    const guard = when ? `, depending on ${when.step}` : '';
    return `${id}: ${nameOf(action)}${for_each ? ', for each of a list,' : ''} by “${text}”${after}${guard}.`;
  });
  const version = steps.some(
    ({ action, parameters }) => action === 'deployment' && parameters['version'] === undefined,
  )
    ? ['No version is named: what the repository’s HEAD is at that time is deployed.']
    : [];
  const often =
    schedules.length === 0 ? [] : [`It is scheduled by ${schedules.join(' and ')} (UTC), once it is live.`];
  const open = questions.length === 0 ? [] : [`${questions.length} question(s) must be answered first.`];
  return [...lines, ...version, ...often, ...open].join('\n');
}
