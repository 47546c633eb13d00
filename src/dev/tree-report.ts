import type { TextPlace } from './tree-problems.ts';

export type TreeResult = 'created' | 'updated' | 'unchanged' | 'refused' | 'only here';

/** What became of one definition. */
export interface TreeEntry {
  result: TreeResult;
  tag: string;
  /** From the root of the tree. */
  file: string;
  problems?: readonly TreeProblem[];
}

export interface TreeProblem {
  message: string;
  /** In the file. */
  place?: TextPlace;
}

/** One line for each definition, and one for each problem, in the form in which editors find their way to it. */
export function reportText(entries: readonly TreeEntry[]): string {
  const lines = entries.flatMap(({ result, tag, file, problems = [] }) => [
    `${result.padEnd(9)}  ${tag}`,
    ...problems.map(
      ({ message, place }) => `  ${file}${place ? `:${place.line}:${place.column}` : ''}: ${message}`,
    ),
  ]);
  const counts = new Map<TreeResult, number>();
  for (const { result } of entries) counts.set(result, (counts.get(result) ?? 0) + 1);
  const total = [...counts].map(([result, count]) => `${count} ${result}`).join(', ');
  return `${[...lines, total || 'nothing found'].join('\n')}\n`;
}

export const isRefused = (entries: readonly TreeEntry[]): boolean =>
  entries.some(({ result }) => result === 'refused');
