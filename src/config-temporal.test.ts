import os from 'node:os';
import { inspect } from 'node:util';
import { loadConfig, type ConfigError } from './config.ts';
import { codecSecrets } from './config-temporal.ts';

const [FIRST, SECOND, THIRD] = ['1', '2', '3'].map((digit) => digit.repeat(32)) as [string, string, string];
const KEY = 'ORCHESTRATOR_TEMPORAL_CODEC_KEY';
const PREVIOUS = 'ORCHESTRATOR_TEMPORAL_CODEC_PREVIOUS_KEYS';

const load = (env: Record<string, string>) => loadConfig(env, os.tmpdir()).temporal;
const problemsOf = (env: Record<string, string>) => {
  try {
    load(env);
  } catch (error) {
    return (error as ConfigError).problems;
  }
  return [];
};

it.each([
  [{}, undefined],
  [{ [KEY]: FIRST }, { current: FIRST, previous: [] }],
  [
    { [KEY]: FIRST, [PREVIOUS]: `${SECOND}, ${THIRD}` },
    { current: FIRST, previous: [SECOND, THIRD] },
  ],
  [{ [PREVIOUS]: SECOND }, { current: undefined, previous: [SECOND] }],
])('the keys of %j are those given, the first to write with', (env, expected) => {
  expect(codecSecrets(load(env))).toEqual(expected);
});

it('a key that is short, or could not stand in a list, is refused without being repeated', () => {
  const problems = problemsOf({ [KEY]: 'short', [PREVIOUS]: `${FIRST},short-too` });
  expect(problems).toHaveLength(2);
  expect(problems.join()).toContain('must have at least 32 characters');
  expect(problems.join()).not.toMatch(/short-too|1111/);
  expect(problemsOf({ [KEY]: `${FIRST},${SECOND}` }).join()).toContain('no commas');
});

it('keys are printed nowhere', () => {
  const settings = load({ [KEY]: FIRST, [PREVIOUS]: SECOND });
  const printed = inspect(settings, { depth: 9 }) + JSON.stringify(settings);
  expect(printed).not.toMatch(/1111|2222/);
});
