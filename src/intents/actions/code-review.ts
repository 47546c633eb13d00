import { isVerbOf } from '../lexicon.ts';
import { spansOfPart, type Candidate, type Part } from '../part.ts';
import { changesOf, repositoryOf } from './repository.ts';

const SUBJECT = /\b(pull request|merge request|pr|mr|branch|commits?|diff|changes?|code|repository|repo)\b/i;

/** A review of changes in a repository. */
export function recogniseCodeReview(part: Part): Candidate | undefined {
  if (!isVerbOf('code_review', part.verb)) return undefined;
  const changes = changesOf(part);
  const { repository } = repositoryOf(part);
  const head = changes['head'] ?? (changes['pull_request'] === undefined ? part.said.get('head') : undefined);
  const parameters = {
    ...(repository === undefined ? {} : { repository }),
    ...(head === undefined ? {} : { head }),
    ...changes,
    ...(/\b(post|leave|write) (the |your )?(comments|remarks|findings)\b/i.test(part.text)
      ? { post_comments: true }
      : {}),
  };
  const complete = Object.keys(changes).length > 0 || spansOfPart(part, 'url').length > 0;
  if (!complete && !SUBJECT.test(part.text)) return undefined;
  return { action: 'code_review', confidence: complete ? 0.95 : 0.8, parameters, asks: asksOf(parameters) };
}

function asksOf(parameters: {
  repository?: unknown;
  head?: unknown;
  pull_request?: unknown;
}): Candidate['asks'] {
  if (parameters.repository === undefined) {
    return [
      {
        about: 'which',
        question: 'Which changes are to be reviewed: of which repository, and which branch or pull request?',
      },
    ];
  }
  if (parameters.head !== undefined || parameters.pull_request !== undefined) return [];
  return [{ about: 'which', question: 'Which branch, commit or pull request is to be reviewed?' }];
}
