import { stem } from './stem.ts';

const words = (text: string): string[] => text.split(' ');
const stems = (text: string): ReadonlySet<string> => new Set(words(text).map(stem));

/** Verbs by what they ask for; some ask for several things, and the rest of the clause decides. */
export const VERBS = {
  http: stems(
    'fetch get call request download load query ping hit post put patch delete remove send submit retrieve check read',
  ),
  run: stems('run start trigger launch execute invoke begin rerun kick'),
  code: stems('run execute evaluate eval'),
  wait: stems('wait sleep pause delay hold'),
  approval: stems('ask get obtain request require have let approve seek'),
  agent: stems('let ask have delegate assign tell use'),
  code_analysis: stems('analyse analyze scan audit inspect check lint examine'),
  code_review: stems('review'),
  deployment: stems('deploy redeploy release ship publish promote roll rollout'),
  transform: stems('combine merge join concatenate aggregate collect'),
  retry: stems('retry repeat'),
} as const;
export type VerbFamily = keyof typeof VERBS;

/** What a caller gets anyway: the answer of a run. */
export const ANSWERING = stems('give show return tell print display thank');

const EVERY_VERB = new Set([...Object.values(VERBS), ANSWERING].flatMap((set) => [...set]));

export function isVerb(word: string): boolean {
  return /^\p{L}+$/u.test(word) && EVERY_VERB.has(stem(word));
}

export function isVerbOf(family: VerbFamily, word: string): boolean {
  return VERBS[family].has(stem(word));
}

/** `run`, not `running`, `runs` or a noun made of it: only so does a verb begin a clause without a mark before it. */
export function isBaseVerb(word: string): boolean {
  return isVerb(word) && !/(ing|ed|s)$/i.test(word);
}

export const METHODS: ReadonlySet<string> = new Set(words('GET HEAD POST PUT PATCH DELETE OPTIONS'));

/** Words that a request is wrapped in. */
export const FILLERS: ReadonlySet<string> = new Set(
  words(
    "please kindly could can would will you i we want need wish like to let's lets just also simply go ahead hey hi hello should must ok okay",
  ),
);

export const ARTICLES: ReadonlySet<string> = new Set(
  words(
    'the a an it its it’s them this that these those my our your his her their all every each me us him both',
  ),
);

/** Behind these no clause begins, though a verb's form may follow. */
export const BEFORE_NOUNS: ReadonlySet<string> = new Set([
  ...ARTICLES,
  ...words(
    'i we you they he she somebody someone anyone to of for with in on at by from into against and or no not',
  ),
]);

/** Words behind `and` that begin no action, even when an article follows. */
export const NO_ACTIONS: ReadonlySet<string> = new Set([
  ...ARTICLES,
  ...words(
    'with in on at by from into against for of to within until without not no as per via using over under between than then if or and but only also even after before while because like',
  ),
]);

/** The speaker is not sure what they mean. */
export const VAGUE =
  /\b(or so|or something|or whatever|something like|sort of|some kind of|maybe|perhaps|probably|not sure|i guess)\b/i;
