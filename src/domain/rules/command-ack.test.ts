import { CONTROL_TYPES, isFinal, RUN_STATES, RUN_TRANSITIONS, type RunState } from '../../contract/run.ts';
import { decideAck } from './command-ack.ts';

const open = RUN_STATES.filter((state) => !isFinal(state));
const decided = (type: (typeof CONTROL_TYPES)[number], state: RunState, overtook_pause = false) =>
  decideAck('acknowledged', { type, state, overtook_pause });

test('every transition an answer makes is in the table of transitions', () => {
  for (const type of CONTROL_TYPES)
    for (const state of open) {
      if (state === 'terminating') continue;
      const { to } = decided(type, state);
      if (to) expect([state, to, RUN_TRANSITIONS[state].includes(to)]).toEqual([state, to, true]);
    }
});

test('a rejected command changes nothing, whatever it was', () => {
  for (const type of CONTROL_TYPES)
    for (const state of open)
      expect(decideAck('rejected', { type, state, overtook_pause: false })).toEqual({ command: 'rejected' });
});

test.each<[(typeof CONTROL_TYPES)[number], RunState, RunState | undefined]>([
  ['pause', 'queued', 'paused'],
  ['pause', 'running', 'paused'],
  ['resume', 'paused', 'running'],
  ['terminate', 'running', 'terminated'],
  ['terminate', 'paused', 'terminated'],
  ['cancel', 'paused', 'cancelled'],
  ['tune', 'paused', undefined],
])('an acknowledged %s of a run that is %s leads to %s', (type, state, to) => {
  expect(decided(type, state)).toEqual({ command: 'acknowledged', ...(to ? { to } : {}) });
});

test('what no longer fits when it is applied is rejected', () => {
  expect(decided('pause', 'paused')).toEqual({ command: 'rejected', reason: 'The run cannot pause now.' });
  expect(decided('resume', 'running')).toEqual({ command: 'rejected', reason: 'The run is not paused.' });
});

test('a resume that overtook a pause is good although the run never paused', () => {
  expect(decided('resume', 'running', true)).toEqual({ command: 'acknowledged' });
});
