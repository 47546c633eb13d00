import fc from 'fast-check';
import { outputCapture } from './output-capture.ts';

it('keeps all of what fits, byte for byte', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'grapheme' })), (parts) => {
      const capture = outputCapture(100_000);
      for (const part of parts) capture.push(Buffer.from(part));
      expect(capture.text()).toEqual({ text: parts.join(''), truncated: false });
      expect(capture.bytes()).toBe(Buffer.byteLength(parts.join('')));
    }),
  );
});

it('keeps head and tail of what does not fit, within the limit, however it was cut into chunks', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 256, max: 2_000 }),
      fc.integer({ min: 1, max: 700 }),
      (limit, chunk_bytes) => {
        const all = Buffer.from('héllo wörld 🌍 '.repeat(400));
        const capture = outputCapture(limit);
        for (let at = 0; at < all.length; at += chunk_bytes) capture.push(all.subarray(at, at + chunk_bytes));
        const { text, truncated } = capture.text();
        expect(truncated).toBe(true);
        expect(capture.bytes()).toBe(all.length);
        expect(Buffer.byteLength(text)).toBeLessThanOrEqual(limit);
        expect(text).not.toContain('\ufffd');
        const [head = '', tail = ''] = text.split(/\n\[\.\.\. \d+ bytes left out \.\.\.\]\n/);
        expect(all.toString().startsWith(head)).toBe(true);
        expect(all.toString().endsWith(tail)).toBe(true);
        const left_out = Number(/(\d+) bytes left out/.exec(text)?.[1]);
        expect(left_out + Buffer.byteLength(head) + Buffer.byteLength(tail)).toBe(all.length);
      },
    ),
  );
});

it('stays within the limit for bytes that are no text, which grow when read as such', () => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ maxLength: 500 }), { maxLength: 20 }),
      fc.integer({ min: 1, max: 3_000 }),
      (chunks, limit) => {
        const capture = outputCapture(limit);
        for (const chunk of chunks) capture.push(Buffer.from(chunk));
        expect(Buffer.byteLength(capture.text().text)).toBeLessThanOrEqual(Math.max(limit, 3));
      },
    ),
  );
});
