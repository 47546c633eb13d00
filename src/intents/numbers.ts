const NAMED = /(?<![\p{L}\p{N}])(\p{L}{2,40}) (?:no\.? ?|number |id )?#?(\d{1,15})(?![\p{L}\p{N}.:])/gu;
/** What stands before numbers that name nothing. */
const NOT_NAMES = new Set(
  (
    'for of in at to is not be than about every each least most after before within until first last top up times status code ' +
    'version release port score and or with by on from wait sleep retry over under above below exactly answers returns responds retries ' +
    'attempts the next another some all try pause delay request pull merge pr mr'
  ).split(' '),
);

/** Numbers that a noun names: `order 4711` is `{order: 4711}`. */
export function numbersNamed(text: string): Record<string, number> {
  const found = [...text.matchAll(NAMED)].filter(([, noun]) => !NOT_NAMES.has(noun!.toLowerCase()));
  return Object.fromEntries(found.map(([, noun, digits]) => [noun!.toLowerCase(), Number(digits)]));
}
