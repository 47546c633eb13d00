import type { RuleHit } from '../rule-hit.ts';

/** What a rule about the whole tree found in one of its files. */
export type TreeHit = Omit<RuleHit, 'tool'> & { path: string };
