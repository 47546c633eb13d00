/** Shorter values are words that stand everywhere. */
export const MIN_MASKED_CHARS = 4;
/** A line of a value of several lines is hidden by itself from this length on. */
const MIN_LINE_CHARS = 8;
const MAX_LINES = 200;
/** So is a text in a value that is JSON. */
const MAX_LEAVES = 200;

/** The texts that tell a value: itself, and as JSON, URLs and base64 have it. None for a value that is too short. */
export function formsOf(value: string): string[] {
  if (value.length < MIN_MASKED_CHARS) return [];
  const plain = [value, value.trim(), ...linesOf(value), ...leavesOf(value)];
  const forms = [
    ...plain,
    ...plain.flatMap(jsonForms),
    ...[value, value.trim(), ...leavesOf(value)].flatMap(urlForms),
    ...[value, ...leavesOf(value)].flatMap(base64Forms),
  ];
  return [...new Set(forms)].filter(({ length }) => length >= MIN_MASKED_CHARS);
}

function linesOf(value: string): string[] {
  const lines = value.split('\n');
  if (lines.length === 1) return [];
  return lines
    .slice(0, MAX_LINES)
    .map((line) => line.trim())
    .filter(({ length }) => length >= MIN_LINE_CHARS);
}

/** Credentials often come as a JSON document, of which a program is given one member. */
function leavesOf(value: string): string[] {
  if (!/^\s*[[{]/.test(value)) return [];
  const leaves: string[] = [];
  try {
    JSON.parse(value, (_key, item: unknown) => {
      if (typeof item === 'string' && item.length >= MIN_LINE_CHARS && leaves.length < MAX_LEAVES)
        leaves.push(item);
      return item;
    });
  } catch {
    return [];
  }
  return leaves;
}

/** As JSON has it, with other characters than ASCII as they are and escaped. */
function jsonForms(text: string): string[] {
  const json = JSON.stringify(text).slice(1, -1);
  const ascii = json.replace(
    /[^\0-\x7f]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return [json, ascii];
}

function urlForms(text: string): string[] {
  // A lone surrogate is nothing that could be encoded.
  const encoded = encodeURIComponent(Buffer.from(text).toString());
  const strict = encoded.replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
  const forms = [
    encoded,
    strict,
    strict.replaceAll('%20', '+'),
    strict.replaceAll('%20', '+').replaceAll('~', '%7E'),
  ];
  return [...forms, ...forms.map((form) => form.replace(/%[0-9A-F]{2}/g, (byte) => byte.toLowerCase()))];
}

/** Of the value alone, and what tells it where it stands among other bytes, of which there may be 0, 1 or 2 before it. */
function base64Forms(value: string): string[] {
  const bytes = Buffer.from(value);
  const whole = bytes.toString('base64');
  const inner = [0, 1, 2].map((before) => {
    const text = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64');
    return text.slice(Math.ceil((before * 8) / 6), Math.floor(((before + bytes.length) * 8) / 6));
  });
  const forms = [whole, whole.replace(/=+$/, ''), ...inner];
  return [...forms, ...forms.map((form) => form.replaceAll('+', '-').replaceAll('/', '_'))];
}
