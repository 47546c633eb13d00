import type { ByteRange } from '../../contract/object-store.ts';

const ONE_RANGE = /^bytes=\s*(\d*)\s*-\s*(\d*)\s*$/i;

/**
 * What a `Range` header asks of a body (RFC 9110 §14.2): one range of bytes, the whole of it for a header that is to be
 * ignored (another unit, several ranges, one that makes no sense), or nothing that there is.
 */
export function byteRange(header: string, size_bytes: number): ByteRange | 'whole' | 'unsatisfiable' {
  const [, first = '', last = ''] = ONE_RANGE.exec(header) ?? [];
  if (first === '' && last === '') return 'whole';
  if (first === '') return suffix(Number(last), size_bytes);
  const start = Number(first);
  const end = last === '' ? size_bytes : Number(last) + 1;
  if (last !== '' && start >= end) return 'whole';
  if (start >= size_bytes) return 'unsatisfiable';
  return { start, end: Math.min(end, size_bytes) };
}

/** The last bytes. Of an empty body they are all there is, which no `Content-Range` can say. */
function suffix(length: number, size_bytes: number): ByteRange | 'whole' | 'unsatisfiable' {
  if (length === 0) return 'unsatisfiable';
  return size_bytes === 0 ? 'whole' : { start: Math.max(0, size_bytes - length), end: size_bytes };
}
