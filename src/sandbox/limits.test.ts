import fc from 'fast-check';
import { resolveLimits, type ResolvedLimits } from './limits.ts';

const MIB = 1024 * 1024;
const defaults: ResolvedLimits = {
  wall_ms: 10_000,
  cpu_ms: 10_000,
  memory_bytes: 256 * MIB,
  processes: 64,
  file_bytes: 16 * MIB,
  disk_bytes: 64 * MIB,
  output_bytes: MIB,
  artifact_bytes: 16 * MIB,
};
const maxima: ResolvedLimits = {
  ...defaults,
  wall_ms: 300_000,
  cpu_ms: 120_000,
  memory_bytes: 2_048 * MIB,
  processes: 256,
  output_bytes: 10 * MIB,
  artifact_bytes: 64 * MIB,
};
const names = Object.keys(defaults) as (keyof ResolvedLimits)[];

it('has the defaults and the maxima of the design', () => {
  expect(resolveLimits()).toEqual(defaults);
  expect(resolveLimits(Object.fromEntries(names.map((name) => [name, Infinity])))).toEqual(maxima);
});

it('answers whole positive numbers within the maximum, whatever is asked', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom(...names), fc.double()), (asked) => {
      const limits = resolveLimits(asked);
      for (const name of names) {
        expect(Number.isInteger(limits[name])).toBe(true);
        expect(limits[name]).toBeGreaterThanOrEqual(0);
        expect(limits[name]).toBeLessThanOrEqual(maxima[name]);
      }
    }),
  );
});
