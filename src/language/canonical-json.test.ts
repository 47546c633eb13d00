import fc from 'fast-check';

import type { Json } from '../contract/json.ts';
import { canonicalJson } from './canonical-json.ts';
import { hashJson, hashText } from './content-hash.ts';

/** IEEE 754 bits and their text: RFC 8785, Appendix B. */
const numbers: readonly [string, string][] = [
  ['0000000000000000', '0'],
  ['8000000000000000', '0'],
  ['0000000000000001', '5e-324'],
  ['8000000000000001', '-5e-324'],
  ['7fefffffffffffff', '1.7976931348623157e+308'],
  ['ffefffffffffffff', '-1.7976931348623157e+308'],
  ['4340000000000000', '9007199254740992'],
  ['c340000000000000', '-9007199254740992'],
  ['4430000000000000', '295147905179352830000'],
  ['44b52d02c7e14af5', '9.999999999999997e+22'],
  ['44b52d02c7e14af6', '1e+23'],
  ['44b52d02c7e14af7', '1.0000000000000001e+23'],
  ['444b1ae4d6e2ef4e', '999999999999999700000'],
  ['444b1ae4d6e2ef4f', '999999999999999900000'],
  ['444b1ae4d6e2ef50', '1e+21'],
  ['3eb0c6f7a0b5ed8c', '9.999999999999997e-7'],
  ['3eb0c6f7a0b5ed8d', '0.000001'],
  ['41b3de4355555553', '333333333.3333332'],
  ['41b3de4355555554', '333333333.33333325'],
  ['41b3de4355555555', '333333333.3333333'],
  ['41b3de4355555556', '333333333.3333334'],
  ['41b3de4355555557', '333333333.33333343'],
  ['becbf647612f3696', '-0.0000033333333333333333'],
  ['43143ff3c1cb0959', '1424953923781206.2'],
];

test.each(numbers)('the number with the bits %s is written as RFC 8785 says', (bits, text) => {
  const view = new DataView(new ArrayBuffer(8));
  view.setBigUint64(0, BigInt(`0x${bits}`));
  expect(canonicalJson(view.getFloat64(0))).toBe(text);
});

test.each<[string, string, string]>([
  [
    'numbers, escapes and literals (§3.2.2)',
    '{"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],' +
      '"string":"\\u20ac$\\u000F\\u000aA\'\\u0042\\u0022\\u005c\\\\\\"\\/","literals":[null,true,false]}',
    '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],' +
      '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
  ],
  [
    'members by UTF-16 code units (§3.2.3)',
    '{"\\u20ac":"Euro Sign","\\r":"Carriage Return","\\ufb33":"Hebrew Letter Dalet With Dagesh","1":"One",' +
      '"\\ud83d\\ude00":"Emoji: Grinning Face","\\u0080":"Control","\\u00f6":"Latin Small Letter O With Diaeresis"}',
    '{"\\r":"Carriage Return","1":"One","\u0080":"Control","ö":"Latin Small Letter O With Diaeresis",' +
      '"€":"Euro Sign","😀":"Emoji: Grinning Face","\ufb33":"Hebrew Letter Dalet With Dagesh"}',
  ],
  ['arrays keep their order', '[56,{"d":true,"10":null,"1":[]}]', '[56,{"1":[],"10":null,"d":true}]'],
  [
    'accents sort by code unit, not by language',
    '{"peach":1,"péché":2,"pêche":3,"sin":4}',
    '{"peach":1,"péché":2,"pêche":3,"sin":4}',
  ],
  [
    'nested and empty members',
    '{"1":{"f":{"f":"hi","F":5},"\\n":56},"10":{},"":"empty","a":{},"A":{}}',
    '{"":"empty","1":{"\\n":56,"f":{"F":5,"f":"hi"}},"10":{},"A":{},"a":{}}',
  ],
  ['no normalisation', '{"Unnormalized Unicode":"A\\u030a"}', '{"Unnormalized Unicode":"A\u030a"}'],
  ['a key named __proto__', '{"b":1,"__proto__":{"x":2}}', '{"__proto__":{"x":2},"b":1}'],
  ['control characters', '"\\u0000\\u001f\\u007f\\b\\f\\t"', '"\\u0000\\u001f\u007f\\b\\f\\t"'],
])('%s', (_, text, canonical) => {
  expect(canonicalJson(JSON.parse(text) as Json)).toBe(canonical);
});

test.each<[string, unknown]>([
  ['NaN', Number.NaN],
  ['Infinity', { a: Number.POSITIVE_INFINITY }],
  ['a lone surrogate', ['\ud83d']],
  ['a lone surrogate in a key', { '\ude00': 1 }],
  ['undefined', { a: undefined }],
  ['a bigint', 1n],
  ['a Date', new Date(0)],
  ['a Map', new Map()],
])('%s has no canonical form', (_, value) => {
  expect(() => canonicalJson(value as Json)).toThrow(TypeError);
});

test('a value of any depth is refused without exhausting the stack', () => {
  const deep = JSON.parse('['.repeat(100_000) + ']'.repeat(100_000)) as Json;
  expect(() => canonicalJson(deep)).toThrow('nested deeper');
});

test('the hash is the SHA-256 of the canonical text', () => {
  expect(hashText('')).toBe('sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
  expect(hashText('abc')).toBe('sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
  expect(hashJson({ b: 1, a: 'é' })).toBe(hashText('{"a":"é","b":1}'));
});

const json = fc.jsonValue({ maxDepth: 4 }) as fc.Arbitrary<Json>;

test('canonical text is a fixed point and keeps the value', () => {
  fc.assert(
    fc.property(json, (value) => {
      const text = canonicalJson(value);
      const back = JSON.parse(text) as Json;
      expect(canonicalJson(back)).toBe(text);
    }),
  );
});

test('the order of keys makes no difference', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), json), (value) => {
      const reversed = Object.fromEntries(Object.entries(value).reverse()) as Json;
      expect(canonicalJson(reversed)).toBe(canonicalJson(value as Json));
    }),
  );
});
