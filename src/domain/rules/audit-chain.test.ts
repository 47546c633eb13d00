import fc from 'fast-check';
import type { AuditEntry, ChainHead, SealedEntry } from '../../contract/audit.ts';
import { type ChainFault, EMPTY_CHAIN, followed, sealsOf } from './audit-chain.ts';

const text = fc.string({ unit: 'grapheme', maxLength: 12 });
const hex = fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: 64, maxLength: 64 });
const entry = fc.record<Omit<AuditEntry, 'seal'>>({
  id: fc.uuid(),
  scope: fc.uuid(),
  at: fc.date({ min: new Date(0), max: new Date('2100-01-01'), noInvalidDate: true }),
  principal: text,
  credential: fc.option(text),
  action: text,
  target: text,
  status: fc.integer({ min: 200, max: 599 }),
  request_id: text,
  address: text,
  user_agent: fc.option(text),
  body_digest: fc.option(hex.map((digits) => `sha256:${digits}`)),
  replayed: fc.boolean(),
});
const entries = fc.array(entry, { minLength: 1, maxLength: 12 });

const sealedFrom = (head: ChainHead, plain: readonly Omit<AuditEntry, 'seal'>[]): SealedEntry[] => {
  const open = plain.map((one) => ({ ...one, seal: null }));
  const seals = sealsOf(head, open);
  return open.map((one, at) => ({ ...one, seal: seals[at]! }));
};
const sealed = entries.map((plain) => sealedFrom(EMPTY_CHAIN, plain));

/** The head of a chain, or what is first wrong with it. */
function walked(chain: readonly SealedEntry[], start = EMPTY_CHAIN): ChainHead | ChainFault {
  let head: ChainHead | ChainFault = start;
  for (const one of chain) {
    if ('reason' in head) return head;
    head = followed(head, one);
  }
  return head;
}
const headOf = (chain: readonly SealedEntry[]): ChainHead => {
  const { seq, hash } = chain.at(-1)!.seal;
  return { seq, hash };
};
const differs = (one: unknown, other: unknown) => JSON.stringify(one) !== JSON.stringify(other);

test('a chain that was left alone is intact, in whatever pieces it was sealed', () => {
  fc.assert(
    fc.property(entries, entries, (first, second) => {
      const begun = sealedFrom(EMPTY_CHAIN, first);
      const chain = [...begun, ...sealedFrom(headOf(begun), second)];
      expect(chain).toEqual(sealedFrom(EMPTY_CHAIN, [...first, ...second]));
      expect(walked(chain)).toEqual(headOf(chain));
      expect(walked(chain.slice(begun.length), headOf(begun))).toEqual(headOf(chain));
    }),
  );
});

test('the hash is that of known text', () => {
  const [one] = sealedFrom(EMPTY_CHAIN, [
    {
      id: '018f0000-0000-7000-8000-000000000001',
      scope: '00000000-0000-7000-8000-000000000001',
      at: new Date('2026-01-02T03:04:05.678Z'),
      principal: 'user:é',
      credential: null,
      action: 'PUT /tags/{name}',
      target: '/tags/a%2Fb',
      status: 201,
      request_id: 'r',
      address: '127.0.0.1',
      user_agent: null,
      body_digest: null,
      replayed: false,
    },
  ]);
  // printf '%s' '{"action":"PUT /tags/{name}","address":"127.0.0.1","at":"2026-01-02T03:04:05.678Z","body_digest":null,…}' | sha256sum
  expect(one!.seal.hash).toBe('46b48ab546468527c2367ade7867207f27191451e53b17a2e878194ff98fe520');
});

/** For each field a value of another entry of the same chain, or one made up. */
const change = fc.tuple(sealed, fc.nat(), fc.oneof(entry, entry), fc.nat());

test('a change of any field of any entry is found, at that entry', () => {
  fc.assert(
    fc.property(change, ([chain, which, other, what]) => {
      const at = which % chain.length;
      const names = Object.keys(other) as (keyof typeof other)[];
      const name = names[what % names.length]!;
      const { [name]: value } = other;
      fc.pre(differs(chain[at]![name], value));
      const changed = chain.map((one, i) => (i === at ? { ...one, [name]: value } : one));
      expect(walked(changed)).toEqual({ seq: at + 1, reason: 'entry_altered' });
    }),
    { numRuns: 500 },
  );
});

test('a change of a seal is found', () => {
  fc.assert(
    fc.property(
      sealed,
      fc.nat(),
      hex,
      fc.constantFrom('hash', 'previous_hash', 'seq'),
      (chain, which, digits, name) => {
        const at = which % chain.length;
        const value = name === 'seq' ? chain.length + 1 : digits;
        const seal = { ...chain[at]!.seal, [name]: value };
        fc.pre(differs(seal, chain[at]!.seal));
        expect(walked(chain.map((one, i) => (i === at ? { ...one, seal } : one)))).toHaveProperty('reason');
      },
    ),
  );
});

test('a removed entry is found, wherever it was but at the end', () => {
  fc.assert(
    fc.property(sealed, fc.nat(), (chain, which) => {
      fc.pre(chain.length > 1);
      const at = which % (chain.length - 1);
      expect(walked(chain.toSpliced(at, 1))).toEqual({ seq: at + 1, reason: 'entry_missing' });
    }),
  );
});

test('a removed entry is found when those after it are numbered anew', () => {
  fc.assert(
    fc.property(sealed, fc.nat(), (chain, which) => {
      fc.pre(chain.length > 1);
      const at = which % (chain.length - 1);
      const numbered = chain
        .toSpliced(at, 1)
        .map((one, i) => ({ ...one, seal: { ...one.seal, seq: i + 1 } }));
      expect(walked(numbered)).toEqual({ seq: at + 1, reason: 'link_broken' });
    }),
  );
});

test('an inserted entry is found, also one that is sealed for its place', () => {
  fc.assert(
    fc.property(sealed, entry, fc.nat(), (chain, forged, which) => {
      const at = which % chain.length;
      const before = at === 0 ? EMPTY_CHAIN : headOf(chain.slice(0, at));
      expect(walked(chain.toSpliced(at, 0, ...sealedFrom(before, [forged])))).toHaveProperty('reason');
    }),
  );
});

test('entries that changed places are found', () => {
  fc.assert(
    fc.property(sealed, fc.nat(), fc.nat(), (chain, one, other) => {
      const [a, b] = [one % chain.length, other % chain.length];
      fc.pre(a !== b);
      const swapped = chain.with(a, chain[b]!).with(b, chain[a]!);
      expect(walked(swapped)).toEqual({ seq: Math.min(a, b) + 1, reason: 'entry_missing' });
      // Also when their seals stay where they were.
      const resealed = chain
        .with(a, { ...chain[b]!, seal: chain[a]!.seal })
        .with(b, { ...chain[a]!, seal: chain[b]!.seal });
      fc.pre(differs({ ...chain[a], seal: 0 }, { ...chain[b], seal: 0 }));
      expect(walked(resealed)).toHaveProperty('reason');
    }),
  );
});

test('a chain that was made anew from a changed entry on has another head', () => {
  fc.assert(
    fc.property(entries, fc.nat(), entry, (plain, which, other) => {
      const at = which % plain.length;
      const [honest, forged] = [plain, plain.with(at, other)].map((list) => sealedFrom(EMPTY_CHAIN, list));
      expect(walked(forged!)).toEqual(headOf(forged!));
      expect(headOf(forged!).hash).not.toBe(headOf(honest!).hash);
    }),
  );
});
