const MARKER = /^<!-- orchestrator:fingerprint ([A-Za-z0-9._:-]{1,128})( resolved)? -->\r?\n/;
const FINGERPRINT = /^[A-Za-z0-9._:-]{1,128}$/;
/** Hosts take a little more. */
const MAX_BODY_CHARS = 60_000;
const CUT = '\n\n… (cut)';

export interface Marked {
  fingerprint: string;
  /** The remark was found to be gone, and the comment says so. */
  resolved: boolean;
  /** Without the marker. */
  body: string;
}

/** The text of a comment with the marker that it is found by: its first line, which Markdown does not show. */
export function withMarker({ fingerprint, resolved, body }: Marked): string {
  if (!FINGERPRINT.test(fingerprint)) throw new TypeError('not a fingerprint');
  const text =
    body.length > MAX_BODY_CHARS ? body.slice(0, MAX_BODY_CHARS).replace(/\p{Surrogate}$/u, '') + CUT : body;
  return `<!-- orchestrator:fingerprint ${fingerprint}${resolved ? ' resolved' : ''} -->\n${text}`;
}

/** Reads a comment back; null for one without a marker at its very beginning, like one that quotes ours. */
export function readMarker(text: string): Marked | null {
  const found = MARKER.exec(text);
  if (!found) return null;
  return { fingerprint: found[1]!, resolved: found[2] !== undefined, body: text.slice(found[0].length) };
}

/** Whether two texts are the same to a host, which may change line ends and space at the end. */
export function isSameText(a: string, b: string): boolean {
  const plain = (text: string) => text.replaceAll('\r\n', '\n').trimEnd();
  return plain(a) === plain(b);
}
