import fc from 'fast-check';
import { isSameText, readMarker, withMarker } from './marker.ts';

test('what is written is read back, whatever the text', () => {
  const fingerprint = fc.stringMatching(/^[A-Za-z0-9._:-]{1,128}$/);
  fc.assert(
    fc.property(fingerprint, fc.boolean(), fc.string(), (print, resolved, body) => {
      const marked = { fingerprint: print, resolved, body };
      expect(readMarker(withMarker(marked))).toEqual(marked);
    }),
  );
});

test.each([
  '',
  'text',
  '> <!-- orchestrator:fingerprint a -->\n',
  ' <!-- orchestrator:fingerprint a -->\n',
  '<!-- orchestrator:fingerprint a b -->\nx',
])('%j has no marker', (text) => expect(readMarker(text)).toBeNull());

test('a fingerprint that would end the comment is refused', () => {
  expect(() => withMarker({ fingerprint: 'a --> b', resolved: false, body: '' })).toThrow(TypeError);
});

test('a text that is too long is cut between characters', () => {
  const text = withMarker({ fingerprint: 'a', resolved: false, body: '😀'.repeat(40_000) });
  expect(text.length).toBeLessThan(61_000);
  expect(text).toMatch(/😀\n\n… \(cut\)$/u);
});

test('line ends and space at the end make no difference', () => {
  expect([isSameText('a\r\nb\n', 'a\nb'), isSameText('a b', 'a  b')]).toEqual([true, false]);
});
