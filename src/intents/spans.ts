import type { Json } from '../contract/json.ts';

/** A part of a text that is taken as it stands: nothing in it is read as words of the request. */
export type Span =
  | { kind: 'code'; text: string; language?: string }
  | { kind: 'url'; text: string }
  | { kind: 'quoted'; text: string }
  | { kind: 'json'; text: string; value: Json };

/** A text in which every span is one short mark, so that its punctuation splits nothing. */
export interface Masked {
  text: string;
  spans: readonly Span[];
}

const OPEN = '\uE000';
const CLOSE = '\uE001';
const MARKS = /[\uE000-\uE002]/g;
const MARK = /\uE000[a-z]+(\d+)\uE001/g;
/** What is tried as JSON and is none costs a look at the rest of the text. */
const MAX_JSON_TRIES = 64;
const QUOTES: Readonly<Record<string, string>> = {
  '"': '"',
  '“': '”',
  '„': '“',
  '«': '»',
  "'": "'",
  '`': '`',
};

/** Marks code blocks, addresses, JSON values and quotations. */
export function maskSpans(intent: string): Masked {
  const text = intent.replace(MARKS, ' ');
  const spans: Span[] = [];
  const tries = { left: MAX_JSON_TRIES };
  let masked = '';
  for (let at = 0; at < text.length;) {
    const found = spanAt(text, at, tries);
    if (!found) masked += text[at++];
    else {
      masked += `${OPEN}${found.span.kind}${spans.length}${CLOSE}`;
      spans.push(found.span);
      at = found.end;
    }
  }
  return { text: masked, spans };
}

/** The spans of a part of the masked text, in its order. */
export function spansIn(part: string, { spans }: Masked): Span[] {
  return [...part.matchAll(MARK)].flatMap((match) => spans[Number(match[1])] ?? []);
}

export function spansOf<K extends Span['kind']>(
  part: string,
  masked: Masked,
  kind: K,
): Extract<Span, { kind: K }>[] {
  return spansIn(part, masked).filter((span): span is Extract<Span, { kind: K }> => span.kind === kind);
}

/** A part of the masked text as it was written; code is left out. */
export function unmask(part: string, { spans }: Masked): string {
  return part.replace(MARK, (_mark, index: string) => {
    const span = spans[Number(index)];
    if (!span || span.kind === 'code') return '';
    return span.kind === 'quoted' ? `"${span.text}"` : span.text;
  });
}

interface Found {
  span: Span;
  end: number;
}

function spanAt(text: string, at: number, tries: { left: number }): Found | undefined {
  const char = text[at]!;
  if (text.startsWith('```', at)) return fencedAt(text, at);
  if (char === '{' || char === '[') return jsonAt(text, at, tries);
  if (char === 'h' || char === 'H') return urlAt(text, at);
  return char in QUOTES ? quotedAt(text, at) : undefined;
}

function fencedAt(text: string, at: number): Found | undefined {
  const close = text.indexOf('```', at + 3);
  if (close < 0) return undefined;
  const inside = text.slice(at + 3, close);
  const line = inside.indexOf('\n');
  const info = line < 0 ? '' : inside.slice(0, line).trim().toLowerCase();
  const language = /^[a-z+#]{1,20}$/.test(info) ? info : undefined;
  const source = line < 0 || (info !== '' && language === undefined) ? inside : inside.slice(line + 1);
  return { span: { kind: 'code', text: source, language }, end: close + 3 };
}

function jsonAt(text: string, at: number, tries: { left: number }): Found | undefined {
  const end = tries.left-- > 0 ? closingOf(text, at) : undefined;
  if (end === undefined) return undefined;
  try {
    const inside = text.slice(at, end);
    return { span: { kind: 'json', text: inside, value: JSON.parse(inside) as Json }, end };
  } catch {
    return undefined;
  }
}

/** Where the bracket that opens at `at` is closed again; brackets in strings count for nothing. */
function closingOf(text: string, at: number): number | undefined {
  let depth = 0;
  let quoted = false;
  for (let i = at; i < text.length; i++) {
    const char = text[i]!;
    if (quoted) {
      if (char === '\\') i++;
      else if (char === '"') quoted = false;
    } else if (char === '"') quoted = true;
    else if (char === '{' || char === '[') depth++;
    else if ((char === '}' || char === ']') && --depth === 0) return i + 1;
  }
  return undefined;
}

/** A longer address is none that a request could be sent to. */
const MAX_URL = 8_000;
const URL_AT = /https?:\/\/[^\s<>"'`“”«»]+/iy;

function urlAt(text: string, at: number): Found | undefined {
  URL_AT.lastIndex = at;
  const found = URL_AT.exec(text)?.[0];
  if (found === undefined) return undefined;
  let length = found.length;
  while (isSentenceEnd(found, length)) length--;
  const url = found.slice(0, length);
  return url.length <= MAX_URL && URL.canParse(url)
    ? { span: { kind: 'url', text: url }, end: at + length }
    : undefined;
}

function isSentenceEnd(url: string, length: number): boolean {
  const last = url[length - 1]!;
  return '.,;:!?]}'.includes(last) || (last === ')' && !url.slice(0, length).includes('('));
}

const MAX_QUOTED = 2_000;

function quotedAt(text: string, at: number): Found | undefined {
  const open = text[at]!;
  // An apostrophe stands in the middle or at the end of a word.
  if (open === "'" && /[\p{L}\p{N}]/u.test(text[at - 1] ?? ' ')) return undefined;
  const close = text.slice(at + 1, at + 1 + MAX_QUOTED).indexOf(QUOTES[open]!);
  if (close < 1) return undefined;
  const inside = text.slice(at + 1, at + 1 + close);
  if (inside.includes('\n')) return undefined;
  const end = at + close + 2;
  if (/^https?:\/\/\S+$/i.test(inside) && URL.canParse(inside))
    return { span: { kind: 'url', text: inside }, end };
  return { span: open === '`' ? { kind: 'code', text: inside } : { kind: 'quoted', text: inside }, end };
}
