import { isVerbOf } from '../lexicon.ts';
import { pointsBack, spansOfPart, type Candidate, type Part } from '../part.ts';
import { unmask } from '../spans.ts';
import { isRepository, nameAfter, repositoryOf } from './repository.ts';

const TYPES: readonly (readonly [string, RegExp])[] = [
  [
    'static',
    /\b(quality|static|style|lint|linting|complexity|duplicat\w{0,10}|maintainab\w{0,10}|dead code|smells?)\b/i,
  ],
  ['security', /\b(security|secure|vulnerab\w{0,10}|secrets?|exploits?|injections?|cves?)\b/i],
  ['performance', /\b(performance|slow|speed|bottlenecks?|hot ?spots?)\b/i],
];
const SUBJECT = /\b(repository|repo|code|codebase|source|project|bugs|problems|issues)\b/i;

/** An analysis of a repository. */
export function recogniseCodeAnalysis(part: Part): Candidate | undefined {
  if (!isVerbOf('code_analysis', part.verb)) return undefined;
  const types = TYPES.filter(([, pattern]) => pattern.test(part.text)).map(([type]) => type);
  const urls = spansOfPart(part, 'url').map((span) => span.text);
  const named = types.length > 0 || SUBJECT.test(part.text);
  const confidence = confidenceOf(part, { urls, named });
  if (confidence === 0) return undefined;
  const { repository } = repositoryOf(part);
  const ref =
    nameAfter(part.text, 'branch|commit|tag|revision') ??
    (pointsBack(part) ? part.said.get('version') : undefined);
  return {
    action: 'code_analysis',
    confidence,
    parameters: {
      ...(repository === undefined ? {} : { repository }),
      ...(ref === undefined ? {} : { ref }),
      ...(types.length === 0 ? {} : { types }),
    },
    asks:
      repository === undefined
        ? [
            {
              about: 'which',
              question: `Which repository is meant by “${unmask(part.text, part.masked).trim()}”?`,
            },
          ]
        : [],
  };
}

function confidenceOf(part: Part, { urls, named }: { urls: string[]; named: boolean }): number {
  const general = /^(check|inspect|examine)/i.test(part.verb);
  if (urls.length > 0) return !general || named ? 0.95 : urls.some(isRepository) ? 0.65 : 0;
  if (part.said.get('repository') !== undefined && (pointsBack(part) || named)) return 0.9;
  return named ? 0.7 : 0;
}
