/** Words with which people say that something is no secret. */
const WORDS =
  /example|sample|placeholder|change[-_ ]?(me|it|this)|your[-_ ]|dummy|fake|redacted|xxxx|\*\*\*|\.\.\.|insert[-_ ]|replace[-_ ]|not[-_ ]?a[-_ ]?(real|secret)|for[-_ ]?tests?|test[-_]?(key|token|secret|password)|lorem|foobar|<[^>]*>|\$\{|\{\{|%\(|%s|^\$|^process\.env|^env[.:]|s3cr3t|hunter2/i;
const ALPHABETS =
  'abcdefghijklmnopqrstuvwxyz0123456789 0123456789abcdef 1234567890 qwertyuiopasdfghjklzxcvbnm';
const RUN = 8;

/** Whether a text only shows where a secret would stand. */
export function isPlaceholder(value: string): boolean {
  return WORDS.test(value) || new Set(value).size <= 4 || isMostlyRuns(value.toLowerCase());
}

/** `abcdefgh`, `12345678`: typed along the alphabet or the keyboard. */
function isMostlyRuns(value: string): boolean {
  let covered = 0;
  for (let at = 0; at + RUN <= value.length; at++)
    if (ALPHABETS.includes(value.slice(at, at + RUN))) {
      covered += RUN;
      at += RUN - 1;
    }
  return covered > 0 && covered * 2 >= value.length;
}

/** Bits that a character carries on average: words have about 3, what was drawn at random 4 and more. */
export function entropyOf(value: string): number {
  const counts = new Map<string, number>();
  for (const char of value) counts.set(char, (counts.get(char) ?? 0) + 1);
  let bits = 0;
  for (const count of counts.values()) bits -= (count / value.length) * Math.log2(count / value.length);
  return bits;
}
