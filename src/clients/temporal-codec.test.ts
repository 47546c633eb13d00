import { defaultPayloadConverter, type Payload } from '@temporalio/common';
import fc from 'fast-check';
import { PayloadCodecError, temporalCodec } from './temporal-codec.ts';

const OLD = 'o'.repeat(32);
const NEW = 'n'.repeat(32);
const writer = temporalCodec({ current: NEW, previous: [] });

const bytes = fc.uint8Array({ maxLength: 300 });
const payloads = fc.array(
  fc.record({ metadata: fc.dictionary(fc.string({ maxLength: 20 }), bytes, { maxKeys: 4 }), data: bytes }),
  { maxLength: 5 },
);
const plain = (value: unknown): Payload => defaultPayloadConverter.toPayload(value);
const textOf = ({ metadata, data }: Payload) =>
  [...Object.values(metadata ?? {}), data ?? []]
    .map((part) => Buffer.from(part).toString('latin1'))
    .join(' ');
/** Whatever kind of bytes they are. */
const comparable = (list: Payload[]) =>
  list.map(({ metadata, data }) => [
    Object.entries(metadata ?? {})
      .map(([name, value]) => [name, Buffer.from(value).toString('hex')])
      .sort(),
    Buffer.from(data ?? []).toString('hex'),
  ]);
const changedAt = (data: Uint8Array, place: number) => data.map((byte, i) => (i === place ? byte ^ 1 : byte));

describe('payloads', () => {
  it('come back as they were, whatever they are', () =>
    fc.assert(
      fc.asyncProperty(payloads, async (list) => {
        const sealed = await writer.encode(list);
        expect(sealed).toHaveLength(list.length);
        expect(comparable(await writer.decode(sealed))).toEqual(comparable(list));
      }),
    ));

  it('show nothing of what is in them, their encoding included, and are never the same twice', async () => {
    const canary = 'canary-7c1f';
    const [first, second] = await writer.encode([plain({ canary }), plain({ canary })]);
    for (const sealed of [first!, second!]) {
      expect(textOf(sealed)).not.toContain(canary);
      expect(textOf(sealed)).not.toContain('json/plain');
      expect(Object.keys(sealed.metadata!).sort()).toEqual(['encoding', 'encryption-key-id']);
    }
    expect(first!.data).not.toEqual(second!.data);
  });

  it.each([
    ['none of ours', plain({ a: 1 })],
    [
      'encrypted by somebody else, without the id of a key',
      { metadata: { encoding: Buffer.from('binary/encrypted') }, data: Buffer.from('x') },
    ],
    ['empty', {}],
  ])('that are not encrypted by us are taken as they are: %s', async (_, payload) => {
    expect(await writer.decode([payload])).toEqual([payload]);
  });
});

describe('keys', () => {
  it('that were are still read with, in any order; what is new has the current one', async () => {
    const old = temporalCodec({ current: OLD, previous: [] });
    const rotated = temporalCodec({ current: NEW, previous: ['x'.repeat(32), OLD] });
    const value = plain('kept');
    expect(comparable(await rotated.decode(await old.encode([value])))).toEqual(comparable([value]));
    expect(comparable(await writer.decode(await rotated.encode([value])))).toEqual(comparable([value]));
    await expect(old.decode(await rotated.encode([value]))).rejects.toThrow(PayloadCodecError);
  });

  it('that are only to be read with encrypt nothing', async () => {
    const reader = temporalCodec({ previous: [NEW] });
    const value = plain('open');
    expect(await reader.encode([value])).toEqual([value]);
    expect(comparable(await reader.decode(await writer.encode([value])))).toEqual(comparable([value]));
  });

  it('that are missing are named by their id, and by nothing else', async () => {
    const [sealed] = await writer.encode([plain('x')]);
    const id = Buffer.from(sealed!.metadata!['encryption-key-id']!).toString();
    const refusal: unknown = await temporalCodec({ current: OLD, previous: [] })
      .decode([sealed!])
      .catch((error: unknown) => error);
    expect(refusal).toMatchObject({ name: 'PayloadCodecError' });
    expect((refusal as Error).message).toContain(id);
    expect((refusal as Error).message).not.toContain(OLD);
    expect(NEW).not.toContain(id);
  });
});

describe('a payload that was changed', () => {
  it('is refused, wherever it was', () =>
    fc.assert(
      fc.asyncProperty(bytes, fc.nat(), async (data, place) => {
        const [sealed] = await writer.encode([{ metadata: {}, data }]);
        const changed = changedAt(sealed!.data!, place % sealed!.data!.length);
        await expect(writer.decode([{ ...sealed, data: changed }])).rejects.toThrow(PayloadCodecError);
      }),
    ));

  it('is refused when it was cut, at any length', async () => {
    const [sealed] = await writer.encode([plain('x')]);
    for (let length = 0; length < sealed!.data!.length; length += 1) {
      const cut = { ...sealed, data: sealed!.data!.subarray(0, length) };
      await expect(writer.decode([cut])).rejects.toThrow(PayloadCodecError);
    }
  });

  it('is refused under the id of another key', async () => {
    const both = temporalCodec({ current: NEW, previous: [OLD] });
    const [mine] = await both.encode([plain('x')]);
    const [other] = await temporalCodec({ current: OLD, previous: [] }).encode([plain('x')]);
    await expect(both.decode([{ ...mine, metadata: other!.metadata }])).rejects.toThrow(PayloadCodecError);
  });
});
