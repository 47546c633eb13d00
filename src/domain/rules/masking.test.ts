import fc from 'fast-check';
import type { Json } from '../../contract/json.ts';
import { formsOf } from './masking-forms.ts';
import { HIDDEN, maskerOf } from './masking.ts';

const CANARY = 'c4n4ry/with+"quotes" & ümlauts';
const PEM =
  '-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\nBKcwggSjAgEAAoIBAQC7\n-----END KEY-----\n';
const base64 = (text: string) => Buffer.from(text).toString('base64');

/** What is left when every character that some form covers is hidden; slow, and plainly right. */
function plainly(text: string, values: readonly string[]): string {
  const hidden = new Array<boolean>(text.length).fill(false);
  for (const form of values.flatMap(formsOf))
    for (let at = text.indexOf(form); at !== -1; at = text.indexOf(form, at + 1))
      hidden.fill(true, at, at + form.length);
  return [...text.split('')].map((char, i) => (hidden[i] ? (hidden[i - 1] ? '' : HIDDEN) : char)).join('');
}

/** Few letters, so that values overlap each other, themselves and the text. */
const word = (min: number, max: number) =>
  fc.array(fc.constantFrom('a', 'b'), { minLength: min, maxLength: max }).map((letters) => letters.join(''));
const values = fc.array(word(0, 9), { maxLength: 4 });
const pieces = fc.array(word(0, 12), { maxLength: 12 });

describe('what stands in a text', () => {
  it.each([
    ['itself', `a ${CANARY} b`, 'a *** b'],
    ['more than once, without a gap', `${CANARY}${CANARY}`, '***'],
    ['in JSON', JSON.stringify({ a: CANARY }), '{"a":"***"}'],
    ['in JSON that is ASCII', JSON.stringify({ a: CANARY }).replace('ü', '\\u00fc'), '{"a":"***"}'],
    ['in base64', `x ${base64(CANARY)}.`, 'x ***.'],
    ['in base64 for URLs', Buffer.from(CANARY).toString('base64url'), '***'],
    ['in a URL', `?q=${encodeURIComponent(CANARY)}&r`, '?q=***&r'],
    ['in a form', new URLSearchParams({ q: CANARY }).toString(), 'q=***'],
    ['in a URL in lower case', encodeURIComponent(CANARY).replace(/%../g, (x) => x.toLowerCase()), '***'],
  ])('is hidden: %s', (_what, text, masked) => {
    expect(maskerOf([CANARY]).text(text)).toBe(masked);
  });

  it.each([0, 1, 2, 3, 4, 5])('is hidden in the base64 of more, %i bytes in', (before) => {
    const text = base64(`${'u'.repeat(before)}${CANARY}:more`);
    const masked = maskerOf([CANARY]).text(text);
    expect(masked).toContain(HIDDEN);
    expect(masked.length).toBeLessThan(text.length - CANARY.length);
  });

  it('is hidden line by line, where a value has several', () => {
    const shown = PEM.split('\n').map((line, i) => `${i}: ${line}`);
    expect(maskerOf([PEM]).text(shown.join('\n'))).toBe('0: ***\n1: ***\n2: ***\n3: ***\n4: ');
    expect(maskerOf([PEM]).text(PEM.trim())).toBe(HIDDEN);
  });

  it('is hidden by itself, where a value is JSON with it in it', () => {
    const json = JSON.stringify({ user: 'me', keys: [{ password: 'pass"word' }] });
    expect(maskerOf([json]).text('me pass"word')).toBe('me ***');
    expect(maskerOf([json]).text(`${json} ${base64('pass"word')}`)).toBe('*** ***');
  });

  it('stays when it is shorter than four characters', () => {
    expect(maskerOf(['abc', '']).text('abcabc')).toBe('abcabc');
    expect(maskerOf(['abcd']).text('abcd')).toBe(HIDDEN);
  });

  it('is hidden wherever any value is, and nothing else (property)', () => {
    fc.assert(
      fc.property(values, word(0, 60), (secrets, text) => {
        expect(maskerOf(secrets).text(text)).toBe(plainly(text, secrets));
      }),
      { numRuns: 2_000 },
    );
  });

  it('is hidden alike however the text is cut in pieces (property)', () => {
    fc.assert(
      fc.property(values, pieces, fc.boolean(), (secrets, parts, is_cut) => {
        const stream = maskerOf(secrets).stream();
        const out = parts.map((part) => stream.push(part)).join('') + stream.end(is_cut);
        expect(out).toBe(maskerOf(secrets).text(parts.join(''), is_cut));
      }),
      { numRuns: 3_000 },
    );
  });

  it('is shown no part of, however the text is cut off on either side (property)', () => {
    const text = `before ${CANARY} after`;
    const masker = maskerOf([CANARY]);
    const cuts = fc.tuple(fc.nat(text.length), fc.nat(text.length));
    fc.assert(
      fc.property(cuts, ([a, b]) => {
        const head = masker.text(text.slice(0, a), true);
        const { shown, rest } = masker.afterLoss(text.slice(b));
        const tail = shown + masker.text(rest);
        for (let at = 0; at + 4 <= CANARY.length; at++) {
          expect(head).not.toContain(CANARY.slice(at, at + 4));
          expect(tail).not.toContain(CANARY.slice(at, at + 4));
        }
      }),
    );
  });
});

describe('a stream', () => {
  it('keeps back no more than may be the beginning of a secret', () => {
    const stream = maskerOf(['secret']).stream();
    expect(['plain', ' sec', 'onds', ' sec', 'ret!'].map((piece) => stream.push(piece))).toEqual([
      'plain',
      ' ',
      'second',
      's ',
      '***!',
    ]);
    expect([stream.push('se'), stream.end()]).toEqual(['', 'se']);
  });
});

describe('JSON', () => {
  it('is masked in texts, names and numbers', () => {
    const value: Json = { a: ['x secret', 12345678, 1, true, null], secret: { b: 'secret' } };
    expect(maskerOf(['secret', '12345678']).json(value)).toEqual({
      a: ['x ***', HIDDEN, 1, true, null],
      [HIDDEN]: { b: HIDDEN },
    });
  });
});

describe('bytes', () => {
  it('are as many as before, and the same array when there is nothing to hide', () => {
    const masker = maskerOf(['sëcret']);
    const bytes = Buffer.concat([Buffer.from([0xff, 0x00]), Buffer.from('sëcret'), Buffer.from([0xfe])]);
    const masked = Buffer.from(masker.bytes(bytes));
    expect(masked.toString('latin1')).toBe('\xff\x00*******\xfe');
    expect(bytes.includes('sëcret')).toBe(true);
    const other = Buffer.from('nothing here');
    expect(masker.bytes(other)).toBe(other);
  });
});
