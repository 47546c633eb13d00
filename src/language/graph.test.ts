import { ancestorsOf, cyclesOf, dependentsOf, leavesOf, topologicalOrder } from './graph.ts';

const graph = (needs: Record<string, string[]>): Map<string, string[]> => new Map(Object.entries(needs));
const diamond = graph({ d: ['b', 'c'], c: ['a'], b: ['a'], a: [] });

test('the order puts each node after what it needs, and keeps the order of the document otherwise', () => {
  expect(topologicalOrder(diamond)).toEqual(['a', 'c', 'b', 'd']);
  expect(topologicalOrder(graph({ x: [], y: [], z: [] }))).toEqual(['x', 'y', 'z']);
  expect(topologicalOrder(graph({ z: ['x'], y: [], x: [] }))).toEqual(['y', 'x', 'z']);
});

test('dependents, leaves and ancestors', () => {
  expect([...dependentsOf(diamond)]).toEqual([
    ['d', []],
    ['c', ['d']],
    ['b', ['d']],
    ['a', ['c', 'b']],
  ]);
  expect(leavesOf(diamond)).toEqual(['d']);
  const ancestors = ancestorsOf(diamond);
  expect(['a', 'b', 'c', 'd', 'e'].filter((id) => ancestors.get('d')?.has(id))).toEqual(['a', 'b', 'c']);
  expect(ancestors.get('a')?.has('d')).toBe(false);
});

test.each<[Record<string, string[]>, string[][]]>([
  [{ a: [], b: ['a'] }, []],
  [{ a: ['a'] }, [['a']]],
  [{ a: ['b'], b: ['c'], c: ['a'] }, [['a', 'b', 'c']]],
  [{ before: ['a'], a: ['b'], b: ['a'] }, [['a', 'b']]],
  [
    { a: ['b'], b: ['a'], x: ['y'], y: ['x'], free: ['unknown'] },
    [
      ['a', 'b'],
      ['x', 'y'],
    ],
  ],
])('the cycles of %j are %j', (needs, cycles) => {
  expect(cyclesOf(graph(needs))).toEqual(cycles);
});

test('nodes on a cycle and behind one are left out of the order', () => {
  expect(topologicalOrder(graph({ behind: ['a'], a: ['b'], b: ['a'], free: [] }))).toEqual(['free']);
});
