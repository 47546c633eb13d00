import type { Json } from '../../contract/json.ts';
import { formsOf, MIN_MASKED_CHARS } from './masking-forms.ts';
import { searchFor, type Search } from './masking-search.ts';
import { spanScan } from './masking-spans.ts';

/** What stands in place of a secret. */
export const HIDDEN = '***';

/** Text that comes in pieces: the same becomes of it wherever it is cut. */
export interface MaskedStream {
  /** What can be shown by now: all but what may be the beginning of a secret. */
  push(piece: string): string;
  /** The rest. `is_cut`: more was to come, so that what may be the beginning of a secret is taken for one. */
  end(is_cut?: boolean): string;
}

/** Takes values out of what may hold them. */
export interface Masker {
  text(text: string, is_cut?: boolean): string;
  /** Of a text that lost what was before it: `shown` for what may be the end of a secret, and the `rest`, not masked yet. */
  afterLoss(text: string): { shown: string; rest: string };
  /** Texts, keys and numbers; `text` does it for texts. */
  json(value: Json, text?: (text: string) => string): Json;
  /** As many bytes as there were; the same array when there is nothing to take out. */
  bytes(bytes: Uint8Array): Uint8Array;
  stream(): MaskedStream;
}

/** Hides values of at least four characters, in the forms of `formsOf`. Linear in what is read. */
export function maskerOf(values: readonly string[]): Masker {
  const forms = values.flatMap(formsOf);
  const search = searchFor(forms.map(codesOf));
  const ofBytes = once(() => searchFor(forms.map((form) => Buffer.from(form))));
  const backwards = once(() => searchFor(forms.map((form) => codesOf(form).reverse())));
  const longest = forms.reduce((most, { length }) => Math.max(most, length), 0);

  const text = (whole: string, is_cut = false): string => {
    const stream = maskedStream(search);
    return stream.push(whole) + stream.end(is_cut);
  };

  return {
    text,
    afterLoss(whole) {
      const lost = endOfSecret(backwards(), whole.slice(0, longest));
      return lost < MIN_MASKED_CHARS
        ? { shown: '', rest: whole }
        : { shown: HIDDEN, rest: whole.slice(lost) };
    },
    json: (value, mask = (whole) => text(whole)) => maskedJson(value, mask),
    bytes: (bytes) => maskedBytes(ofBytes(), bytes),
    stream: () => maskedStream(search),
  };
}

function maskedStream(search: Search): MaskedStream {
  const scan = spanScan(search);
  let held = '';
  /** How much was shown or hidden, and up to where it is hidden. */
  let shown = 0;
  let hidden_to = -1;

  function show(until: number): string {
    const start = shown;
    let out = '';
    const copyTo = (end: number) => {
      const from = Math.max(shown, hidden_to);
      if (end > from) out += held.slice(from - start, end - start);
      shown = Math.max(shown, end);
    };
    for (const span of scan.take(until)) {
      copyTo(span.start);
      if (span.start > hidden_to) out += HIDDEN;
      hidden_to = Math.max(hidden_to, span.end);
    }
    copyTo(until);
    held = held.slice(until - start);
    return out;
  }

  return {
    push(piece) {
      held += piece;
      scan.read({ length: piece.length, codeAt: (index) => piece.charCodeAt(index) });
      return show(scan.settled());
    },
    end(is_cut = false) {
      if (is_cut) scan.cut(MIN_MASKED_CHARS);
      return show(shown + held.length);
    },
  };
}

/** How much of the beginning of a text is the end of a secret; 0 for none. */
function endOfSecret(backwards: Search, text: string): number {
  let state = 0;
  for (let i = text.length - 1; i >= 0; i--) state = backwards.next(state, text.charCodeAt(i));
  return backwards.begun(state);
}

function maskedJson(value: Json, mask: (text: string) => string): Json {
  if (typeof value === 'string') return mask(value);
  if (typeof value === 'number') {
    const text = String(value);
    return mask(text) === text ? value : HIDDEN;
  }
  if (Array.isArray(value)) return value.map((item) => maskedJson(item, mask));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [mask(key), maskedJson(item, mask)]));
}

function maskedBytes(search: Search, bytes: Uint8Array): Uint8Array {
  const scan = spanScan(search);
  scan.read({ length: bytes.length, codeAt: (index) => bytes[index]! });
  const spans = scan.take(bytes.length);
  if (spans.length === 0) return bytes;
  const masked = new Uint8Array(bytes);
  for (const { start, end } of spans) masked.fill(HIDDEN.charCodeAt(0), start, end);
  return masked;
}

const codesOf = (text: string): Uint16Array =>
  Uint16Array.from({ length: text.length }, (_, index) => text.charCodeAt(index));

function once<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => (made ??= make());
}
