import type { JsonObject } from '../../contract/json.ts';
import { spansOfPart, type Part } from '../part.ts';

const HOSTS = /^(?:[^/]*\.)?(?:github|gitlab|bitbucket|codeberg|gitea|sourcehut)\.[a-z]+$|^git\./i;

/** Whether an address is one of a git repository, by its looks. */
export function isRepository(url: string): boolean {
  if (!URL.canParse(url)) return false;
  const { hostname, pathname } = new URL(url);
  return /\.git\/?$/i.test(pathname) || HOSTS.test(hostname);
}

/** The repository that a clause is about: its own, or the one spoken of. */
export function repositoryOf(part: Part): { repository?: string } {
  const [url] = spansOfPart(part, 'url');
  const repository = url?.text ?? part.said.get('repository');
  return typeof repository === 'string' ? { repository } : {};
}

const NAME = '([\\p{L}\\p{N}][\\p{L}\\p{N}._/-]{0,200})';
const NO_NAMES = new Set([
  'of',
  'in',
  'on',
  'at',
  'for',
  'to',
  'from',
  'against',
  'with',
  'and',
  'the',
  'a',
  'an',
  'before',
  'after',
  'it',
  'is',
]);

/** The name that follows one of some words; `named` is a pattern without groups. */
export function nameAfter(text: string, named: string): string | undefined {
  const pattern = new RegExp(`(?<![\\p{L}-])(?:${named}) (?:the |called |named )?${NAME}`, 'iu');
  const name = pattern.exec(text)?.[1]?.replace(/[.,]+$/, '');
  return name === undefined || NO_NAMES.has(name.toLowerCase()) ? undefined : name;
}

/** `pull request #42`, `branch x against y`, `a..b`. */
export function changesOf({ text }: Part): JsonObject {
  const range = /(?<![\p{L}\p{N}])([\p{L}\p{N}_/-]{1,200})\.{2,3}([\p{L}\p{N}_/.-]{1,200})/u.exec(text);
  if (range) return { base: range[1]!, head: range[2]! };
  const pull = /\b(?:pull request|merge request|pull|pr|mr) ?(?:no\.? ?|number )?[#!]?(\d{1,9})\b/i.exec(
    text,
  )?.[1];
  const base = nameAfter(text, 'against|compared (?:to|with)|relative to|onto|versus|vs');
  const head = nameAfter(text, 'branch|commit|tag|revision|changes (?:in|on|of)') ?? branchBefore(text);
  return {
    ...(pull === undefined ? {} : { pull_request: Number(pull) }),
    ...(head === undefined || pull !== undefined ? {} : { head }),
    ...(base === undefined ? {} : { base }),
  };
}

/** `the hotfix branch`. */
function branchBefore(text: string): string | undefined {
  const name = new RegExp(`\\b(?:the|its) ${NAME} branch\\b`, 'iu').exec(text)?.[1];
  return name === undefined || NO_NAMES.has(name.toLowerCase()) ? undefined : name;
}
