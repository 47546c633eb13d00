export interface Token {
  /** A word or a span's mark as written; one punctuation mark; or a line's end. */
  text: string;
  lower: string;
  kind: 'word' | 'span' | 'mark';
  /** In the masked text. */
  start: number;
  end: number;
}

/** `!17` is a merge request. */
const TOKEN = /\uE000[a-z]+\d+\uE001|!\d+|\n|[,;!?()]|[^\s,;!?()\uE000]+/g;

/** The words and marks of a masked text. A `.` or `:` is a mark only where a word ends. */
export function tokenise(text: string): Token[] {
  return [...text.matchAll(TOKEN)].flatMap(({ 0: found, index }) => {
    if (found.startsWith('\uE000')) return [token(found, 'span', index)];
    if (/^[\n,;!?()]$/.test(found)) return [token(found, 'mark', index)];
    const bare = found.replace(/[.:"'’]+$/, '');
    const tail = found.slice(bare.length).match(/[.:]/)?.[0];
    const word = bare === '' ? [] : [token(bare, 'word', index)];
    return tail === undefined ? word : [...word, token(tail, 'mark', index + bare.length)];
  });
}

function token(text: string, kind: Token['kind'], start: number): Token {
  return { text, lower: text.toLowerCase(), kind, start, end: start + text.length };
}
