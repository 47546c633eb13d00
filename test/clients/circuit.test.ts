import fc from 'fast-check';
import { breaker } from '../../src/clients/breaker.ts';
import { admit, CLOSED, settle, type Circuit, type CircuitOutcome } from '../../src/clients/circuit.ts';
import { isUnavailable, leftAlone, SpecEngineFailure } from '../../src/clients/spec-engine/failure.ts';

const RULES = { failures: 3, open_ms: 100 };
const GUARD = { ...RULES, isAway: isUnavailable, refusal: leftAlone };
const closed = (failures: number): Circuit => ({ state: 'closed', failures });
const open = (until_ms: number): Circuit => ({ state: 'open', until_ms });
const half: Circuit = { state: 'half_open' };

test.each<[Circuit, number, Circuit, number]>([
  [CLOSED, 0, CLOSED, 0],
  [closed(2), 0, closed(2), 0],
  [open(100), 0, open(100), 100],
  [open(100), 99, open(100), 1],
  [open(100), 100, half, 0],
  [half, 0, half, 100],
])('a circuit that is %j lets in at %i what makes it %j, after %i ms', (before, now_ms, circuit, wait_ms) => {
  expect(admit(before, now_ms, RULES)).toEqual({ circuit, wait_ms });
});

test.each<[Circuit, CircuitOutcome, boolean, Circuit]>([
  [CLOSED, 'success', false, CLOSED],
  [CLOSED, 'failure', false, closed(1)],
  [closed(2), 'failure', false, open(150)],
  [closed(2), 'success', false, CLOSED],
  [closed(2), 'abandoned', false, closed(2)],
  [open(100), 'success', false, open(100)],
  [open(100), 'failure', false, open(100)],
  [half, 'success', true, CLOSED],
  [half, 'failure', true, open(150)],
  [half, 'abandoned', true, open(50)],
  [half, 'success', false, half],
  [half, 'failure', false, half],
])('a circuit that is %j becomes after a %s (trial: %s) %j', (before, outcome, was_trial, after) => {
  expect(settle(before, { outcome, was_trial, now_ms: 50 }, RULES)).toEqual(after);
});

test('whatever happens, one call at most tries while it is not closed, and so many failures in a row open it', async () => {
  const step = fc.record({
    outcome: fc.constantFrom<CircuitOutcome>('success', 'failure', 'abandoned'),
    wait_ms: fc.nat(150),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), (steps) => {
      let [circuit, now_ms, in_a_row] = [CLOSED, 0, 0];
      for (const { outcome, wait_ms } of steps) {
        now_ms += wait_ms;
        const admitted = admit(circuit, now_ms, RULES);
        if (admitted.wait_ms > 0) continue;
        circuit = admitted.circuit;
        const was_trial = circuit.state === 'half_open';
        if (was_trial) expect(admit(circuit, now_ms, RULES).wait_ms).toBeGreaterThan(0);
        circuit = settle(circuit, { outcome, was_trial, now_ms }, RULES);
        in_a_row = outcome === 'failure' ? in_a_row + 1 : outcome === 'success' ? 0 : in_a_row;
        expect(circuit.state === 'closed').toBe(
          in_a_row < RULES.failures && !(was_trial && outcome !== 'success'),
        );
      }
      return Promise.resolve();
    }),
  );
});

describe('a breaker', () => {
  const { signal } = new AbortController();
  const fails = () => Promise.reject(new SpecEngineFailure('unavailable', 'away'));

  test('sends nothing while it is open, says when to come again, and closes after a trial that went well', async () => {
    let now_ms = 0;
    let sent = 0;
    const guard = breaker({ ...GUARD, now: () => now_ms });
    const call = (work: () => Promise<unknown>) => guard.run(() => (sent++, work()), signal);
    for (let i = 0; i < 3; i++) await expect(call(fails)).rejects.toThrow('away');
    await expect(call(fails)).rejects.toMatchObject({
      code: 'unavailable',
      details: { retry_after_seconds: 1 },
    });
    expect(sent).toBe(3);
    now_ms = 100;
    expect(await call(() => Promise.resolve('there'))).toBe('there');
    expect(await call(() => Promise.resolve('still'))).toBe('still');
  });

  test('counts what was refused as an answer', async () => {
    const guard = breaker({ ...GUARD, now: () => 0 });
    for (let i = 0; i < 10; i++)
      await expect(
        guard.run(() => Promise.reject(new SpecEngineFailure('refused', 'no')), signal),
      ).rejects.toThrow('no');
  });

  test('does not count what its caller gave up', async () => {
    const guard = breaker({ ...GUARD, now: () => 0 });
    for (let i = 0; i < 10; i++) await expect(guard.run(fails, AbortSignal.abort())).rejects.toThrow('away');
  });
});
