import type { JsonObject } from '../../contract/json.ts';
import { isVerbOf } from '../lexicon.ts';
import { pointsBack, spansOfPart, type Candidate, type Part } from '../part.ts';
import { nameAfter, repositoryOf } from './repository.ts';

const ENVIRONMENTS: Readonly<Record<string, string>> = {
  prod: 'production',
  live: 'production',
  stage: 'staging',
  dev: 'development',
};
const KNOWN =
  /\b(production|prod|live|staging|stage|testing|test|qa|development|dev|preproduction|preprod|canary)\b(?! branch)/i;
const NUMBERED = /(?<![\p{L}\p{N}.])(v?\d+(?:\.\d+)+(?:[-+][\p{L}\p{N}.-]{1,60})?|v\d+)(?![\p{L}\p{N}])/iu;
/** Without an environment or a repository these may speak of anything. */
const CLEAR = /^(deploy|redeploy|roll|rollout)/i;

/** A deployment of an application, or of a workflow of the project. */
export function recogniseDeployment(part: Part): Candidate | undefined {
  if (
    !isVerbOf('deployment', part.verb) ||
    (/^roll/i.test(part.verb) && !/^rollout|^roll\w*( \S+)? out\b/i.test(part.text))
  ) {
    return undefined;
  }
  const environment = isOneEnvironment(part) ? environmentOf(part) : undefined;
  const target = targetOf(part);
  const clear = CLEAR.test(part.verb) || environment !== undefined || spansOfPart(part, 'url').length > 0;
  const version = versionOf(part);
  return {
    action: 'deployment',
    confidence: clear ? 0.95 : 0.5,
    parameters: {
      ...target,
      ...(version === undefined ? {} : { version }),
      ...(environment === undefined ? {} : { environment }),
    },
    asks: [
      ...(target
        ? []
        : [
            {
              about: 'what' as const,
              question: 'What is to be deployed: which repository, or which workflow?',
            },
          ]),
      ...(environment === undefined
        ? [{ about: 'where' as const, question: 'To which environment is it to be deployed?' }]
        : []),
    ],
  };
}

function isOneEnvironment({ text }: Part): boolean {
  const named = [...text.matchAll(new RegExp(KNOWN, 'gi'))].map(
    ([word]) => ENVIRONMENTS[word.toLowerCase()] ?? word.toLowerCase(),
  );
  return new Set(named).size <= 1;
}

function environmentOf(part: Part): string | undefined {
  const named =
    KNOWN.exec(part.text)?.[1] ??
    /\b([a-z][a-z0-9-]{1,40}) environment\b/i.exec(part.text)?.[1] ??
    /\benvironment (?:called )?([a-z][a-z0-9-]{1,40})\b/i.exec(part.text)?.[1] ??
    /\b(?:to|onto) ([a-z][a-z0-9-]{1,40})$/i.exec(part.text.trim())?.[1] ??
    part.said.given('environment');
  if (typeof named !== 'string' || /^(it|this|that|the|which)$/i.test(named)) return undefined;
  return ENVIRONMENTS[named.toLowerCase()] ?? named.toLowerCase();
}

/** A workflow is meant where one is named; an application comes from a repository. */
function targetOf(part: Part): JsonObject | undefined {
  if (spansOfPart(part, 'url').length > 0) return { kind: 'application', ...repositoryOf(part) };
  const found = part.index.find(part.text);
  if (found.kind === 'one' && (/\bworkflow\b/i.test(part.text) || found.confidence > 0.94)) {
    return { kind: 'workflow', workflow: found.name };
  }
  const { repository } = repositoryOf(part);
  // "the shop" is nothing that was named; a version alone is one of what was.
  const own =
    versionOf(part) !== undefined ||
    pointsBack(part) ||
    /^\S+(?: out)?(?: (?:to|on|in) .*)?$/i.test(part.text.trim());
  return repository !== undefined && own ? { kind: 'application', repository } : undefined;
}

function versionOf(part: Part): string | undefined {
  const named = NUMBERED.exec(part.text)?.[1] ?? nameAfter(part.text, 'version|branch|tag|commit|revision');
  if (named !== undefined) return named;
  const said = part.said.get('head') ?? part.said.get('version');
  return typeof said === 'string' ? said : undefined;
}
