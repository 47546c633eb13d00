import { definition, transform } from './definitions.ts';

/** What the child of a five-step run is. */
export const child = definition(
  'child',
  { doubled: transform('${{ input.n * 2 }}') },
  { output: '${{ steps.doubled.output }}' },
);

/** Five steps of five kinds: light, http, code, a map, and a run of its own. `url` answers JSON. */
export const fiveSteps = (url: string) =>
  definition(
    'five',
    {
      light: transform('${{ input.n + 1 }}'),
      asked: {
        type: 'http',
        needs: ['light'],
        config: { method: 'GET', url: `${url}/slow-100/\${{ string(input.n) }}` },
      },
      code: {
        type: 'code',
        needs: ['asked'],
        config: {
          language: 'bash',
          source: 'echo $((N * 10)); echo $N > out.txt',
          env: { N: '${{ steps.light.output }}' },
        },
      },
      each: {
        type: 'map',
        needs: ['code'],
        config: {
          items: ['a', 'b', 'c'],
          max_parallel: 2,
          node: {
            type: 'http',
            config: { method: 'GET', url: `${url}/slow-50/\${{ string(input.n) }}/\${{ item }}` },
          },
        },
      },
      below: {
        type: 'run',
        needs: ['each'],
        config: { workflow: 'child', input: { n: '${{ steps.code.output.result }}' } },
      },
    },
    {
      output: {
        light: '${{ steps.light.output }}',
        items: '${{ size(steps.each.output) }}',
        below: '${{ steps.below.output.output }}',
      },
    },
  );

/** What a five-step run with this input gives. */
export const fiveStepsOutput = (n: number) => ({ light: n + 1, items: 3, below: (n + 1) * 20 });
