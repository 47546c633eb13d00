/**
 * Whether a tag's name is one a pattern means: `*` stands for any characters within a segment, a segment `**` for any
 * number of segments, none included. Everything else is itself.
 */
export function matchesPattern(pattern: string, name: string): boolean {
  return matchesSequence(pattern.split('/'), name.split('/'), '**', matchesSegment);
}

const matchesSegment = (pattern: string, text: string): boolean =>
  matchesSequence(pattern, text, '*', (one, other) => one === other);

/**
 * Goes back only to the last star, since an earlier one could not do better: at most pattern × text steps, where a
 * regular expression of many stars would take for ever.
 */
function matchesSequence(
  pattern: ArrayLike<string>,
  text: ArrayLike<string>,
  star: string,
  matches: (pattern: string, text: string) => boolean,
): boolean {
  let at = 0;
  let last_star = -1;
  let covered = 0;
  for (let i = 0; i < text.length;) {
    if (pattern[at] === star) {
      last_star = at++;
      covered = i;
    } else if (at < pattern.length && matches(pattern[at]!, text[i]!)) {
      at++;
      i++;
    } else if (last_star >= 0) {
      at = last_star + 1;
      i = ++covered;
    } else return false;
  }
  while (pattern[at] === star) at++;
  return at === pattern.length;
}
