import fc from 'fast-check';
import { type Link, selectLinks } from './bundle-order.ts';

const link = (id: string, parents: string[] = [], more: Partial<Link> = {}): Link => ({
  id,
  kind: 'dag_version',
  version_hash: `hash of ${id}`,
  live: true,
  parents,
  compacted_from_id: null,
  reverts_id: null,
  ...more,
});
const ids = (links: readonly Link[]) => links.map(({ id }) => id);
const select = (links: readonly Link[], roots: string[], have: string[] = []) => {
  const { send, requires, missing } = selectLinks(links, roots, new Set(have.map((id) => `hash of ${id}`)));
  return { send, requires: ids(requires), missing: ids(missing) };
};

/** Random histories: each version comes from up to two before it. */
const histories = fc
  .array(fc.tuple(fc.nat(), fc.nat(), fc.boolean()), { minLength: 1, maxLength: 40 })
  .map((choices) =>
    choices.map(([first, second, merges], i) => {
      const parents = i === 0 ? [] : [...new Set([first % i, ...(merges ? [second % i] : [])])];
      return link(name(i), parents.map(name));
    }),
  );
// Names that do not sort as the versions came.
const name = (i: number) => `${(i * 7919) % 1009}-${i}`;

it('sends each version after all it comes from, each once, whatever order the rows come in', () => {
  fc.assert(
    fc.property(histories, fc.nat(), (links, seed) => {
      const root = links.at(-1)!.id;
      const { send, requires, missing } = select(links, [root]);
      expect(new Set(send)).toEqual(new Set(ids(links)));
      expect(send).toHaveLength(links.length);
      for (const { id, parents } of links)
        for (const parent of parents) expect(send.indexOf(parent)).toBeLessThan(send.indexOf(id));
      expect([requires, missing]).toEqual([[], []]);
      const shuffled = [...links].sort(
        (a, b) => ((seed + a.id.length * 31) % 7) - ((seed + b.id.length) % 5),
      );
      expect(select(shuffled, [root]).send).toEqual(send);
    }),
  );
});

it('leaves out what the reader has with all it comes from, and names just what is built on', () => {
  fc.assert(
    fc.property(histories, fc.nat(), (links, choice) => {
      const has = links[choice % links.length]!;
      const { send, requires } = select(links, ids(links), [has.id]);
      const by_id = new Map(links.map((one) => [one.id, one]));
      const past = new Set<string>();
      const walk = (id: string) => {
        past.add(id);
        by_id.get(id)!.parents.forEach(walk);
      };
      walk(has.id);
      expect(new Set([...send, ...past])).toEqual(new Set(ids(links)));
      expect(send.filter((id) => past.has(id))).toEqual([]);
      expect(new Set(requires)).toEqual(past);
    }),
  );
});

it('takes a content that occurs twice for its first occurrence: the reader may know no more than that', () => {
  const same = { version_hash: 'hash of a' };
  const links = [link('a'), link('b', ['a']), link('c', ['b'], same), link('d', ['c'])];
  expect(select(links, ['d'], ['a'])).toEqual({ send: ['b', 'c', 'd'], requires: ['a'], missing: [] });
  // An id leaves no doubt.
  expect(selectLinks(links, ['d'], new Set(['c', 'hash of a'])).send).toEqual(['d']);
});

it('names what was collected where something builds on it, and drops a patch with the version it is on', () => {
  const links = [
    link('a', [], { live: false }),
    link('b', ['a'], { live: false }),
    link('p', ['b'], { kind: 'patch_set' }),
    link('c', ['p']),
  ];
  expect(select(links, ['c'])).toEqual({ send: ['c'], requires: [], missing: ['p'] });
  expect(select(links, ['c'], ['p'])).toEqual({ send: ['c'], requires: ['p'], missing: [] });
});

it('does not need a history to fit on the call stack', () => {
  const links = Array.from({ length: 50_000 }, (_, i) => link(`v${i}`, i === 0 ? [] : [`v${i - 1}`]));
  expect(select(links, ['v49999']).send).toHaveLength(50_000);
});
