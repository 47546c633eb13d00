/** Stands for nothing that is seen, or turns the direction of what follows. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\s]+/gu;
const MARKUP = /[<>`*[\]|~\\]/g;

/** One line of text without markup, at most `max_chars` long. */
export function plainText(text: string, max_chars: number): string {
  const line = text.replace(UNSEEN, ' ').replace(MARKUP, '').replace(/ {2,}/g, ' ').trim().replace(/\.$/, '');
  const characters = [...line];
  return characters.length <= max_chars ? line : `${characters.slice(0, max_chars - 1).join('')}…`;
}
