import { processAnalyser } from './analyser.ts';

const file = (text: string) => ({ path: 'a.js', cas_id: `sha256:${'0'.repeat(64)}`, text });
const evil = file('export const run = (text) => eval(text);\n');
const never = new AbortController().signal;

it('finds what the analysis finds', async () => {
  const analysis = await processAnalyser().file(evil, ['security'], never);
  expect(analysis?.findings).toContainEqual(expect.objectContaining({ area: 'security', line: 1 }));
  expect(await processAnalyser().tree([analysis!.facts], ['static'], never)).toEqual(expect.any(Array));
});

it('gives up what takes too long, and goes on with the next', async () => {
  const limits_ms = { file: 1, tree: 1 };
  const analyser = processAnalyser(limits_ms);
  expect(await analyser.file(evil, ['security'], never)).toBeUndefined();
  limits_ms.file = 60_000;
  expect((await analyser.file(evil, ['security'], never))?.findings.length).toBeGreaterThan(0);
});

it('rejects with the reason of its signal, whatever it is at', async () => {
  const analyser = processAnalyser();
  const reason = new Error('enough');
  const stop = new AbortController();
  const going = analyser.file(evil, ['security'], stop.signal);
  stop.abort(reason);
  await expect(going).rejects.toBe(reason);
  expect((await analyser.file(evil, ['security'], never))?.findings.length).toBeGreaterThan(0);
});
