import { CODE_LANGUAGES, type CodeLanguage } from '../../contract/sandbox.ts';
import { isVerbOf } from '../lexicon.ts';
import { spansOfPart, type Candidate, type Part } from '../part.ts';

const NAMES: Readonly<Record<string, CodeLanguage>> = {
  js: 'javascript',
  node: 'javascript',
  nodejs: 'javascript',
  ts: 'typescript',
  py: 'python',
  python3: 'python',
  sh: 'bash',
  shell: 'bash',
  golang: 'go',
  ...Object.fromEntries(CODE_LANGUAGES.map((language) => [language, language])),
};
const LANGUAGE = new RegExp(
  `(?<![\\p{L}-])(${Object.keys(NAMES)
    .filter((name) => name !== 'go')
    .join('|')}|(?:in|some|this|the|following) go)(?![\\p{L}-])`,
  'iu',
);
const CODE = /\b(code|script|program|snippet|one-liner|function|commands?)\b/i;

/** A program of the caller's. */
export function recogniseCodeExecution(part: Part): Candidate | undefined {
  const [code] = spansOfPart(part, 'code');
  const named = LANGUAGE.exec(part.text)?.[1]?.toLowerCase().split(' ').at(-1);
  const asked = isVerbOf('code', part.verb);
  if (!code && !(asked && (named !== undefined || CODE.test(part.text)))) return undefined;
  const written = code?.language ?? named;
  const language = written === undefined ? undefined : NAMES[written];
  return {
    action: 'code_execution',
    confidence: code ? (asked ? 0.95 : 0.6) : 0.75,
    parameters: { ...(language === undefined ? {} : { language }), ...(code ? { source: code.text } : {}) },
    takes_result:
      part.said.has_result &&
      /\b(with|on|over|using) (the |its )?(results?|answers?|responses?|outputs?|it)\b/i.test(part.text),
    asks: [
      ...(code
        ? []
        : [{ about: 'code' as const, question: 'Which code is to be executed? Put it between ``` marks.' }]),
      ...(code && language === undefined
        ? [
            {
              about: 'which' as const,
              question: `Which language is the code in: ${CODE_LANGUAGES.join(', ')}?`,
            },
          ]
        : []),
    ],
  };
}
