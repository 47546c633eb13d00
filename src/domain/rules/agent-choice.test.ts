import fc from 'fast-check';
import { chooseAgent, isFit } from './agent-choice.ts';

const agent = (id: string, load = 0, labels: Record<string, string> = {}, languages = ['python']) => ({
  id,
  load,
  labels,
  capabilities: {
    languages: languages.map((language) => ({ language: language as 'python' })),
    isolation: 'namespaces' as const,
    cores: 2,
    memory_bytes: 1,
  },
});

describe('an agent is fit', () => {
  const gpu = agent('a', 0, { gpu: 'yes', zone: 'b' });

  test.each([
    ['when it has the language', { language: 'python' }, true],
    ['not without the language', { language: 'go' }, false],
    ['when it has every label', { language: 'python', labels: { gpu: 'yes', zone: 'b' } }, true],
    ['not with another value of a label', { language: 'python', labels: { zone: 'c' } }, false],
    ['not without a label', { language: 'python', labels: { arch: 'arm' } }, false],
    ['when it is the one that is named', { language: 'python', id: 'a' }, true],
    ['not when another one is named', { language: 'python', id: 'b' }, false],
  ])('%s', (_what, wish, fit) => {
    expect(isFit(gpu, wish)).toBe(fit);
  });
});

test('the least loaded one is chosen, and each of several equals can be', () => {
  const agents = [agent('a', 0.5), agent('b', 0.25), agent('c', 0.25), agent('d', 0, {}, ['go'])];
  const choose = (random: number) => chooseAgent(agents, { language: 'python' }, () => random)?.id;
  expect([choose(0), choose(0.49), choose(0.5), choose(0.999)]).toEqual(['b', 'b', 'c', 'c']);
});

test('whoever is chosen is fit and nobody fit has less to do; nobody is chosen only where nobody is fit', () => {
  const some = fc.record({
    id: fc.constantFrom('a', 'b', 'c'),
    load: fc.constantFrom(0, 0.5, 1),
    zone: fc.constantFrom('x', 'y'),
    language: fc.constantFrom('python', 'go'),
  });
  fc.assert(
    fc.property(
      fc.array(some, { maxLength: 8 }),
      fc.double({ min: 0, max: 0.999, noNaN: true }),
      (list, random) => {
        const agents = list.map(({ id, load, zone, language }) => agent(id, load, { zone }, [language]));
        const wish = { language: 'python', labels: { zone: 'x' } };
        const chosen = chooseAgent(agents, wish, () => random);
        const fit = agents.filter((one) => isFit(one, wish));
        if (!chosen) return fit.length === 0;
        return isFit(chosen, wish) && fit.every(({ load }) => chosen.load <= load);
      },
    ),
  );
});
