import type { BackTest, BackTestNode, RunBackTest } from '../../contract/back-test.ts';

/** The runs, counted: by verdict, and by what happens to each step. */
export function summaryOf(runs: readonly RunBackTest[]): Pick<BackTest, 'summary' | 'nodes'> {
  const summary = { runs: runs.length, invalid: 0, different: 0, undecided: 0, same: 0 };
  for (const { verdict } of runs) summary[verdict]++;
  return { summary, nodes: nodesOf(runs) };
}

function nodesOf(runs: readonly RunBackTest[]): BackTestNode[] {
  const nodes = new Map<string, BackTestNode['runs']>();
  const count = (node: string | null, kind: keyof BackTestNode['runs']) => {
    if (node === null) return;
    const counted = nodes.get(node) ?? {};
    nodes.set(node, { ...counted, [kind]: (counted[kind] ?? 0) + 1 });
  };
  for (const { changes, fails, unknown } of runs) {
    for (const { node, kind } of changes) count(node, kind);
    for (const { node } of fails) count(node, 'fails');
    for (const { node } of unknown) count(node, 'unknown');
  }
  return [...nodes]
    .map(([node, counted]) => ({ node, runs: counted }))
    .sort((a, b) => (a.node < b.node ? -1 : 1));
}
