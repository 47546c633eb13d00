import fc from 'fast-check';
import { sealedBox } from './sealed-box.ts';

const SECRET = 'a-secret-that-is-long-enough-for-this';
const OTHER = 'another-secret-that-is-long-enough-too';
const box = sealedBox([SECRET], 'test');

it('gives back what was sealed, and nothing of it is to be seen', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' }), (text, about) => {
      const sealed = box.seal(text, about);
      expect(box.open(sealed, about)).toBe(text);
      expect(sealed).toMatch(/^v1\.[0-9a-f]{16}\.[A-Za-z0-9_-]+$/);
    }),
  );
});

it('is sealed otherwise each time', () => {
  expect(box.seal('same', 'x')).not.toBe(box.seal('same', 'x'));
});

it('stays shut for another key, another purpose, another subject', () => {
  const sealed = box.seal('text', 'x');
  expect(sealedBox([OTHER], 'test').open(sealed, 'x')).toBeUndefined();
  expect(sealedBox([SECRET], 'other').open(sealed, 'x')).toBeUndefined();
  expect(box.open(sealed, 'y')).toBeUndefined();
});

it('stays shut when any part of it was changed', () => {
  const sealed = box.seal('text', 'x');
  fc.assert(
    fc.property(fc.nat(sealed.length - 1), fc.constantFrom(...'AZaz09_-.'), (at, character) => {
      const changed = sealed.slice(0, at) + character + sealed.slice(at + 1);
      const same = Buffer.from(changed.split('.')[2] ?? '', 'base64url').equals(
        Buffer.from(sealed.split('.')[2]!, 'base64url'),
      );
      if (changed.split('.').slice(0, 2).join() === sealed.split('.').slice(0, 2).join() && same) return;
      expect(box.open(changed, 'x')).toBeUndefined();
    }),
  );
});

it.each(['', 'v1', 'v1..', 'v1.0.0', 'v2.a.b', 'plain text'])('%j is nothing that was sealed', (text) => {
  expect(box.open(text, 'x')).toBeUndefined();
});

it('opens what an earlier key sealed, and says that it should be sealed anew', () => {
  const turned = sealedBox([OTHER, SECRET], 'test');
  const old = box.seal('text', 'x');
  expect(turned.open(old, 'x')).toBe('text');
  expect([turned.isCurrent(old), turned.isCurrent(turned.seal('text', 'x'))]).toEqual([false, true]);
});

it('names its key, as what it seals does', () => {
  expect(box.seal('text', 'x').split('.')[1]).toBe(box.key_id);
  expect(sealedBox([OTHER, SECRET], 'test').key_id).not.toBe(box.key_id);
});

it('opens what was sealed before it had a key for digests', () => {
  expect(box.open('v1.e1e040541b216f1f.mTYeJTZPaJX_JakgOkHV9HF1CwXhRQTObr5yqHZjK_C0QOLwItgw', 'about')).toBe(
    'text of old',
  );
});

it('has one digest for a text and its subject, and another one for everything else', () => {
  const digest = box.digest('text', 'x');
  expect(digest).toMatch(/^[0-9a-f]{64}$/);
  expect(sealedBox([SECRET, OTHER], 'test').digest('text', 'x')).toBe(digest);
  const others = [
    box.digest('text', 'y'),
    box.digest('other', 'x'),
    sealedBox([OTHER], 'test').digest('text', 'x'),
    sealedBox([SECRET], 'other').digest('text', 'x'),
  ];
  expect(new Set([digest, ...others]).size).toBe(5);
});

it('is not made without a key', () => {
  expect(() => sealedBox([], 'test')).toThrow('needs a key');
});
