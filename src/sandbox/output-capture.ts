/** Keeps the head and the tail of a stream and counts all of it. */
export interface OutputCapture {
  push(chunk: Buffer): void;
  bytes(): number;
  /** At most `limit_bytes` of UTF-8; `truncated` says that the middle was left out. */
  text(): { text: string; truncated: boolean };
}

/** Room for the sentence that stands where the middle was. */
const MARK_BYTES = 64;

/** Captures one stream of a program; memory stays near `limit_bytes`, however much is pushed. */
export function outputCapture(limit_bytes: number): OutputCapture {
  const head_room = Math.floor(limit_bytes / 2);
  const tail_room = limit_bytes - head_room;
  const mark_bytes = limit_bytes >= 4 * MARK_BYTES ? MARK_BYTES : 0;
  const head: Buffer[] = [];
  let tail: Buffer[] = [];
  let head_bytes = 0;
  let tail_bytes = 0;
  let total = 0;

  function push(chunk: Buffer): void {
    total += chunk.length;
    const first = chunk.subarray(0, head_room - head_bytes);
    if (first.length > 0) {
      head.push(first);
      head_bytes += first.length;
    }
    const rest = chunk.subarray(first.length);
    if (rest.length === 0) return;
    tail.push(rest);
    tail_bytes += rest.length;
    // Joining only when twice over keeps this linear even for one-byte chunks.
    if (tail_bytes > 2 * tail_room) {
      tail = [Buffer.concat(tail).subarray(-tail_room)];
      tail_bytes = tail_room;
    }
  }

  function text(): { text: string; truncated: boolean } {
    const kept_tail = Buffer.concat(tail);
    const all = head_bytes + kept_tail.length === total && total <= limit_bytes;
    if (all) return fit(Buffer.concat([...head, kept_tail]).toString('utf8'), limit_bytes);
    const end = fromCharacterStart(kept_tail.subarray(-(tail_room - mark_bytes)));
    const start = toCharacterEnd(Buffer.concat(head));
    const left_out = total - start.length - end.length;
    const mark = mark_bytes > 0 ? `\n[... ${left_out} bytes left out ...]\n` : '';
    return {
      text: fit(start.toString('utf8') + mark + end.toString('utf8'), limit_bytes).text,
      truncated: true,
    };
  }

  return { push, bytes: () => total, text };
}

/** Broken UTF-8 grows when it is read as text (one byte becomes three), so the text is measured again. */
function fit(text: string, limit_bytes: number): { text: string; truncated: boolean } {
  if (Buffer.byteLength(text) <= limit_bytes) return { text, truncated: false };
  const again = outputCapture(limit_bytes);
  again.push(Buffer.from(text));
  return { text: again.text().text, truncated: true };
}

/** Drops a character that was cut at the end. */
export function toCharacterEnd(bytes: Buffer): Buffer {
  for (let back = 1; back <= Math.min(3, bytes.length); back += 1) {
    const byte = bytes[bytes.length - back] ?? 0;
    if ((byte & 0xc0) === 0x80) continue;
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return length > back ? bytes.subarray(0, -back) : bytes;
  }
  return bytes;
}

function fromCharacterStart(bytes: Buffer): Buffer {
  let at = 0;
  while (at < Math.min(3, bytes.length) && ((bytes[at] ?? 0) & 0xc0) === 0x80) at += 1;
  return bytes.subarray(at);
}
