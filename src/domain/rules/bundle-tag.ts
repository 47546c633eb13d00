import { type History, isAncestor } from './merge-base.ts';

/** What became of a tag of a bundle here. The last three leave it alone. */
export type TagResult = 'created' | 'fast_forwarded' | 'unchanged' | 'ahead' | 'diverged' | 'refused';

interface Version {
  id: string;
  version_hash: string;
}

/** How a tag stands to the version that a bundle has for it: there already, before it, after it, or elsewhere. */
export function compareTag(
  history: History,
  current: Version,
  wanted: Version,
): 'unchanged' | 'fast_forwarded' | 'ahead' | 'diverged' {
  if (current.version_hash === wanted.version_hash) return 'unchanged';
  if (isAncestor(history, current.id, wanted.id)) return 'fast_forwarded';
  return isAncestor(history, wanted.id, current.id) ? 'ahead' : 'diverged';
}

/** The name of a tag in a workflow that is called otherwise. */
export const renamed = (name: string, workflow: string | undefined): string =>
  workflow === undefined ? name : [workflow, ...name.split('/').slice(1)].join('/');
