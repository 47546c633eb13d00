const ENDINGS = ['ings', 'ing', 'ed', 'es', 's', 'e'];

/** The part of an English word that its forms share, roughly: `running`, `runs` and `run` are `run`. */
export function stem(word: string): string {
  const lower = word.toLowerCase().replace(/['’]s?$/, '');
  const ending = ENDINGS.find((each) => lower.endsWith(each) && lower.length - each.length >= 3);
  // `address` and `process` are no plurals.
  if (ending === undefined || (ending === 's' && lower.endsWith('ss'))) return lower;
  const rest = lower.slice(0, -ending.length);
  const doubled = ending.startsWith('ing') || ending === 'ed';
  const single = doubled && /([bdgmnprt])\1$/.test(rest) ? rest.slice(0, -1) : rest;
  return single.endsWith('e') && single.length > 3 ? single.slice(0, -1) : single;
}

const STOP = new Set(
  (
    'a an and any are as at be but by can could do does for from get give has have i if in into is it its kind let like make me my ' +
    'need new now of on one or our please should so some something stuff that the their them then these thing this those to ' +
    'up us want we what which will with would you your again always usual run start kick off launch trigger execute ' +
    'workflow job after afterwards before first second third last finally once when'
  ).split(' '),
);

/** What a text is about: the stems of its words, without those that every text has. */
export function termsOf(text: string): string[] {
  return (text.match(/[\p{L}\p{N}]+(?:['’]s)?/gu) ?? [])
    .filter((word) => !STOP.has(word.toLowerCase()))
    .map(stem)
    .filter((term) => term.length > 1 || /\d/.test(term));
}
