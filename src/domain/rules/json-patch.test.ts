import fc from 'fast-check';
import { AppError } from '../../contract/errors.ts';
import type { Json } from '../../contract/json.ts';
import { applyPatch } from './json-patch.ts';

type Case = [name: string, document: unknown, operations: unknown, result: unknown];
type Refusal = [name: string, document: unknown, operations: unknown, code: string, path: string];

const apply = (document: unknown, operations: unknown) => applyPatch(document as Json, operations);
const refusalOf = (document: unknown, operations: unknown): AppError => {
  try {
    apply(document, operations);
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
  throw new Error('the patch was applied');
};

describe('RFC 6902, appendix A', () => {
  it.each<Case>([
    [
      'A.1 adding an object member',
      { foo: 'bar' },
      [{ op: 'add', path: '/baz', value: 'qux' }],
      { baz: 'qux', foo: 'bar' },
    ],
    [
      'A.2 adding an array element',
      { foo: ['bar', 'baz'] },
      [{ op: 'add', path: '/foo/1', value: 'qux' }],
      { foo: ['bar', 'qux', 'baz'] },
    ],
    [
      'A.3 removing an object member',
      { baz: 'qux', foo: 'bar' },
      [{ op: 'remove', path: '/baz' }],
      { foo: 'bar' },
    ],
    [
      'A.4 removing an array element',
      { foo: ['bar', 'qux', 'baz'] },
      [{ op: 'remove', path: '/foo/1' }],
      { foo: ['bar', 'baz'] },
    ],
    [
      'A.5 replacing a value',
      { baz: 'qux', foo: 'bar' },
      [{ op: 'replace', path: '/baz', value: 'boo' }],
      { baz: 'boo', foo: 'bar' },
    ],
    [
      'A.6 moving a value',
      { foo: { bar: 'baz', waldo: 'fred' }, qux: { corge: 'grault' } },
      [{ op: 'move', from: '/foo/waldo', path: '/qux/thud' }],
      { foo: { bar: 'baz' }, qux: { corge: 'grault', thud: 'fred' } },
    ],
    [
      'A.7 moving an array element',
      { foo: ['all', 'grass', 'cows', 'eat'] },
      [{ op: 'move', from: '/foo/1', path: '/foo/3' }],
      { foo: ['all', 'cows', 'eat', 'grass'] },
    ],
    [
      'A.8 testing a value: success',
      { baz: 'qux', foo: ['a', 2, 'c'] },
      [
        { op: 'test', path: '/baz', value: 'qux' },
        { op: 'test', path: '/foo/1', value: 2 },
      ],
      { baz: 'qux', foo: ['a', 2, 'c'] },
    ],
    [
      'A.10 adding a nested member object',
      { foo: 'bar' },
      [{ op: 'add', path: '/child', value: { grandchild: {} } }],
      { foo: 'bar', child: { grandchild: {} } },
    ],
    [
      'A.11 ignoring unrecognised elements',
      { foo: 'bar' },
      [{ op: 'add', path: '/baz', value: 'qux', xyz: 123 }],
      { foo: 'bar', baz: 'qux' },
    ],
    [
      'A.14 escape ordering',
      { '/': 9, '~1': 10 },
      [{ op: 'test', path: '/~01', value: 10 }],
      { '/': 9, '~1': 10 },
    ],
    [
      'A.16 adding an array value',
      { foo: ['bar'] },
      [{ op: 'add', path: '/foo/-', value: ['abc', 'def'] }],
      { foo: ['bar', ['abc', 'def']] },
    ],
  ])('%s', (_, document, operations, result) => {
    expect(apply(document, operations)).toEqual(result);
  });

  it.each<Refusal>([
    [
      'A.9 testing a value: error',
      { baz: 'qux' },
      [{ op: 'test', path: '/baz', value: 'bar' }],
      'patch_conflict',
      '/0/value',
    ],
    [
      'A.12 adding to a nonexistent target',
      { foo: 'bar' },
      [{ op: 'add', path: '/baz/bat', value: 'qux' }],
      'patch_conflict',
      '/0/path',
    ],
    [
      'A.15 comparing strings and numbers',
      { '/': 9, '~1': 10 },
      [{ op: 'test', path: '/~01', value: '10' }],
      'patch_conflict',
      '/0/value',
    ],
  ])('%s', (...[, document, operations, code, path]) => {
    const error = refusalOf(document, operations);
    expect(error.code).toBe(code);
    expect(error.data.errors?.[0]?.path).toBe(path);
  });

  it('A.13 the last of duplicate members counts, as JSON.parse has it', () => {
    const operations: unknown = JSON.parse(
      '[{ "op": "add", "path": "/baz", "value": "qux", "op": "remove" }]',
    );
    expect(apply({ baz: 1 }, operations)).toEqual({});
  });
});

describe('the rules of RFC 6902 and RFC 6901', () => {
  it.each<Case>([
    ['an empty patch', { a: 1 }, [], { a: 1 }],
    ['add replaces the root', { a: 1 }, [{ op: 'add', path: '', value: [1] }], [1]],
    ['replace replaces the root', { a: 1 }, [{ op: 'replace', path: '', value: null }], null],
    ['test compares the root', { a: 1 }, [{ op: 'test', path: '', value: { a: 1 } }], { a: 1 }],
    [
      'the root removed and added',
      { a: 1 },
      [
        { op: 'remove', path: '' },
        { op: 'add', path: '', value: 2 },
      ],
      2,
    ],
    ['add replaces a member', { a: 1 }, [{ op: 'add', path: '/a', value: 2 }], { a: 2 }],
    ['add at the end by its index', [1], [{ op: 'add', path: '/1', value: 2 }], [1, 2]],
    ['the empty name', { '': 1 }, [{ op: 'replace', path: '/', value: 2 }], { '': 2 }],
    ['a numeric name in an object', { a: {} }, [{ op: 'add', path: '/a/0', value: 1 }], { a: { '0': 1 } }],
    [
      '`1e0` and `01` as names in an object',
      { '1e0': 1, '01': 2 },
      [
        { op: 'remove', path: '/1e0' },
        { op: 'remove', path: '/01' },
      ],
      {},
    ],
    ['`-` as a name in an object', {}, [{ op: 'add', path: '/-', value: 1 }], { '-': 1 }],
    [
      'both escapes',
      { 'a/b': 1, 'm~n': 2 },
      [
        { op: 'remove', path: '/a~1b' },
        { op: 'replace', path: '/m~0n', value: 3 },
      ],
      { 'm~n': 3 },
    ],
    [
      'null is a value',
      { a: null },
      [
        { op: 'test', path: '/a', value: null },
        { op: 'add', path: '/b', value: null },
      ],
      { a: null, b: null },
    ],
    [
      'null can be moved and removed',
      { a: null },
      [
        { op: 'move', from: '/a', path: '/b' },
        { op: 'remove', path: '/b' },
      ],
      {},
    ],
    [
      'test ignores the order of members',
      { a: { x: 1, y: 2 } },
      [{ op: 'test', path: '/a', value: { y: 2, x: 1 } }],
      { a: { x: 1, y: 2 } },
    ],
    ['test compares numbers by value', { a: 1 }, [{ op: 'test', path: '/a', value: 1.0 }], { a: 1 }],
    ['move onto itself', { a: 1 }, [{ op: 'move', from: '/a', path: '/a' }], { a: 1 }],
    ['move to the parent', { a: { b: 1 } }, [{ op: 'move', from: '/a/b', path: '/a' }], { a: 1 }],
    [
      'move of a name that only begins alike',
      { a: 1, ab: {} },
      [{ op: 'move', from: '/a', path: '/ab/a' }],
      { ab: { a: 1 } },
    ],
    [
      'copy into itself',
      { a: { b: 1 } },
      [{ op: 'copy', from: '/a', path: '/a/c' }],
      { a: { b: 1, c: { b: 1 } } },
    ],
    [
      'a copy is another value',
      { a: {} },
      [
        { op: 'copy', from: '/a', path: '/b' },
        { op: 'add', path: '/b/x', value: 1 },
      ],
      { a: {}, b: { x: 1 } },
    ],
    [
      'a copied value that was changed before',
      { a: {} },
      [
        { op: 'add', path: '/a/x', value: 1 },
        { op: 'copy', from: '/a', path: '/b' },
        { op: 'add', path: '/a/y', value: 2 },
      ],
      { a: { x: 1, y: 2 }, b: { x: 1 } },
    ],
    [
      'names every object inherits',
      {},
      [
        { op: 'add', path: '/constructor', value: 1 },
        { op: 'add', path: '/toString', value: 2 },
      ],
      { constructor: 1, toString: 2 },
    ],
    ['move ignores a value', { a: 1 }, [{ op: 'move', from: '/a', path: '/b', value: 9 }], { b: 1 }],
  ])('%s', (_, document, operations, result) => {
    expect(apply(document, operations)).toEqual(result);
  });

  it.each<Refusal>([
    ['no array', {}, { op: 'add' }, 'patch_invalid', ''],
    ['an operation that is no object', {}, ['add'], 'patch_invalid', '/0'],
    ['a missing op', {}, [{ path: '/a', value: 1 }], 'patch_invalid', '/0/op'],
    ['an unknown op', {}, [{ op: 'spam', path: '/a' }], 'patch_invalid', '/0/op'],
    ['an op in capitals', {}, [{ op: 'ADD', path: '/a', value: 1 }], 'patch_invalid', '/0/op'],
    ['a missing path', {}, [{ op: 'add', value: 1 }], 'patch_invalid', '/0/path'],
    ['a path that is null', {}, [{ op: 'add', path: null, value: 1 }], 'patch_invalid', '/0/path'],
    ['a path without slash', {}, [{ op: 'add', path: 'a', value: 1 }], 'patch_invalid', '/0/path'],
    ['a bad escape', {}, [{ op: 'add', path: '/a~2', value: 1 }], 'patch_invalid', '/0/path'],
    ['a trailing tilde', {}, [{ op: 'add', path: '/a~', value: 1 }], 'patch_invalid', '/0/path'],
    ['add without value', {}, [{ op: 'add', path: '/a' }], 'patch_invalid', '/0/value'],
    ['replace without value', { a: 1 }, [{ op: 'replace', path: '/a' }], 'patch_invalid', '/0/value'],
    ['test without value', { a: null }, [{ op: 'test', path: '/a' }], 'patch_invalid', '/0/value'],
    ['move without from', { a: 1 }, [{ op: 'move', path: '/a' }], 'patch_invalid', '/0/from'],
    ['copy with from null', { a: 1 }, [{ op: 'copy', from: null, path: '/a' }], 'patch_invalid', '/0/from'],
    [
      'move into its own child',
      { a: { b: 1 } },
      [{ op: 'move', from: '/a', path: '/a/b/c' }],
      'patch_invalid',
      '/0/path',
    ],
    [
      'the root moved into itself',
      { a: 1 },
      [{ op: 'move', from: '', path: '/a' }],
      'patch_invalid',
      '/0/path',
    ],
    ['a document removed', { a: 1 }, [{ op: 'remove', path: '' }], 'patch_invalid', ''],
    ['remove of nothing', { a: 1 }, [{ op: 'remove', path: '/b' }], 'patch_conflict', '/0/path'],
    ['replace of nothing', { a: 1 }, [{ op: 'replace', path: '/b', value: 1 }], 'patch_conflict', '/0/path'],
    ['test of nothing', {}, [{ op: 'test', path: '/a', value: null }], 'patch_conflict', '/0/path'],
    ['copy of nothing', {}, [{ op: 'copy', from: '/a', path: '/b' }], 'patch_conflict', '/0/from'],
    [
      'an inherited name',
      {},
      [{ op: 'test', path: '/constructor/name', value: 'Object' }],
      'patch_conflict',
      '/0/path',
    ],
    ['the length of a list', [1], [{ op: 'test', path: '/length', value: 1 }], 'patch_conflict', '/0/path'],
    ['an index beyond the end', [1], [{ op: 'add', path: '/2', value: 1 }], 'patch_conflict', '/0/path'],
    ['a negative index', [1], [{ op: 'add', path: '/-1', value: 1 }], 'patch_conflict', '/0/path'],
    ['a leading zero', [1, 2], [{ op: 'replace', path: '/01', value: 1 }], 'patch_conflict', '/0/path'],
    ['an index 1e0', [1, 2], [{ op: 'test', path: '/1e0', value: 2 }], 'patch_conflict', '/0/path'],
    ['a name in a list', [1], [{ op: 'add', path: '/a', value: 1 }], 'patch_conflict', '/0/path'],
    [
      'the index of a replace at the end',
      [1],
      [{ op: 'replace', path: '/1', value: 1 }],
      'patch_conflict',
      '/0/path',
    ],
    ['`-` for anything but add', [1], [{ op: 'remove', path: '/-' }], 'patch_conflict', '/0/path'],
    ['a member of a number', { a: 1 }, [{ op: 'add', path: '/a/b', value: 1 }], 'patch_conflict', '/0/path'],
    [
      'the third of three',
      {},
      [
        { op: 'add', path: '/a', value: 1 },
        { op: 'test', path: '/a', value: 1 },
        { op: 'remove', path: '/b' },
      ],
      'patch_conflict',
      '/2/path',
    ],
  ])('refuse %s', (...[, document, operations, code, path]) => {
    const before = JSON.stringify(document);
    const error = refusalOf(document, operations);
    expect(error.code).toBe(code);
    expect(error.data.errors?.[0]?.path).toBe(path);
    expect(JSON.stringify(document)).toBe(before);
  });

  it('names every malformed operation at once', () => {
    const { data } = refusalOf({}, [{ op: 'x' }, { op: 'add', path: '/a' }, { op: 'copy', path: 1 }]);
    expect(data.errors?.map((problem) => problem.path)).toEqual(['/0/op', '/1/value', '/2/path', '/2/from']);
  });

  it('keeps __proto__ a plain member', () => {
    const patched = apply({}, [
      { op: 'add', path: '/__proto__', value: { polluted: true } },
      { op: 'add', path: '/__proto__/more', value: 1 },
    ]);
    expect(Object.hasOwn(patched as object, '__proto__')).toBe(true);
    expect(JSON.stringify(patched)).toBe('{"__proto__":{"polluted":true,"more":1}}');
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });
});

describe('bounded growth', () => {
  const elapsed = (work: () => unknown): number => {
    const begun = performance.now();
    work();
    return performance.now() - begun;
  };

  it('refuses doubling by copy fast', () => {
    const doubling = Array.from({ length: 100 }, (_, i) => ({ op: 'copy', from: '', path: `/${i}` }));
    let error: AppError | undefined;
    expect(elapsed(() => (error = refusalOf({ a: 'x'.repeat(100) }, doubling)))).toBeLessThan(5_000);
    expect(error?.code).toBe('patch_invalid');
  });

  it('refuses copying and removing the same large value for ever', () => {
    const pair = [
      { op: 'copy', from: '/a', path: '/b' },
      { op: 'remove', path: '/b' },
    ];
    const operations = Array.from({ length: 500 }, () => pair).flat();
    expect(refusalOf({ a: 'x'.repeat(500_000) }, operations).code).toBe('patch_invalid');
  });

  it('takes a document of just the limit and refuses one byte more', () => {
    const fits = { a: 'x'.repeat(1_048_576 - '{"a":""}'.length) };
    expect(apply({}, [{ op: 'replace', path: '', value: fits }])).toEqual(fits);
    expect(refusalOf({}, [{ op: 'replace', path: '', value: { a: `${fits.a}x` } }]).code).toBe(
      'patch_invalid',
    );
  });

  it('takes 1,000 operations and no more', () => {
    const operations = Array.from({ length: 1_001 }, (_, i) => ({ op: 'add', path: `/k${i}`, value: i }));
    expect(Object.keys(apply({}, operations.slice(0, 1_000)) as object)).toHaveLength(1_000);
    expect(refusalOf({}, operations).code).toBe('patch_invalid');
  });

  it('takes 64 levels and no more, however they come about', () => {
    const nest = (levels: number): Json => (levels === 0 ? 1 : [nest(levels - 1)]);
    expect(apply({}, [{ op: 'add', path: '', value: nest(64) }])).toBeDefined();
    expect(refusalOf({}, [{ op: 'add', path: '', value: nest(65) }]).code).toBe('patch_invalid');
    expect(
      refusalOf({ a: nest(62), b: {} }, [
        { op: 'add', path: '/b/c', value: {} },
        { op: 'move', from: '/a', path: '/b/c/d' },
      ]).code,
    ).toBe('patch_invalid');
    expect(
      refusalOf({ a: nest(62), b: {} }, [
        { op: 'add', path: '/b/c', value: {} },
        { op: 'copy', from: '/a', path: '/b/c/d' },
      ]).code,
    ).toBe('patch_invalid');
  });

  it('applies 1,000 operations to a large object in linear time', () => {
    const document = Object.fromEntries(Array.from({ length: 20_000 }, (_, i) => [`key-${i}`, i]));
    const operations = Array.from({ length: 1_000 }, (_, i) => ({
      op: 'replace',
      path: `/key-${i}`,
      value: 'x',
    }));
    expect(elapsed(() => apply(document, operations))).toBeLessThan(5_000);
  });
});

describe('properties', () => {
  const freeze = (value: unknown): unknown => {
    if (typeof value === 'object' && value !== null) Object.values(Object.freeze(value)).forEach(freeze);
    return value;
  };
  const pointer = fc
    .array(fc.constantFrom('a', 'b', '0', '1', '-'), { maxLength: 3 })
    .map((tokens) => tokens.map((t) => `/${t}`).join(''));
  const { json } = fc.letrec<{ json: Json }>((tie) => ({
    json: fc.oneof(
      { maxDepth: 3 },
      fc.integer(),
      fc.constantFrom<Json>(null, true, 'x'),
      fc.array(tie('json'), { maxLength: 3 }),
      fc.dictionary(fc.constantFrom('a', 'b', '0', '1'), tie('json')),
    ),
  }));
  const operation = fc.record({
    op: fc.constantFrom('add', 'remove', 'replace', 'move', 'copy', 'test'),
    path: pointer,
    from: pointer,
    value: json,
  });

  it('never changes its input, and applies all or nothing', () => {
    fc.assert(
      fc.property(json, fc.array(operation, { maxLength: 6 }), (document, operations) => {
        const before = JSON.stringify([document, operations]);
        try {
          applyPatch(freeze(document) as Json, freeze(operations));
        } catch (error) {
          if (!(error instanceof AppError)) throw error;
        }
        expect(JSON.stringify([document, operations])).toBe(before);
      }),
      { numRuns: 2_000 },
    );
  });

  it('gives one result for a patch and for its operations one by one', () => {
    fc.assert(
      fc.property(json, fc.array(operation, { maxLength: 6 }), (document, operations) => {
        const outcome = (work: () => Json) => {
          try {
            return { value: work() };
          } catch {
            return 'refused';
          }
        };
        const whole = outcome(() => applyPatch(document, operations));
        const single = outcome(() => operations.reduce<Json>((at, one) => applyPatch(at, [one]), document));
        // Only a removed root may come back within one patch and not across two.
        if (operations.every(({ op, path }) => op !== 'remove' || path !== '')) expect(whole).toEqual(single);
      }),
      { numRuns: 2_000 },
    );
  });
});
