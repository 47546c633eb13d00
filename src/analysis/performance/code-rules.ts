import type { CodeRule } from '../javascript/code-rule.ts';
import { cacheRule } from './caches.ts';
import { patternRule } from './patterns.ts';
import { quadraticRule } from './quadratic.ts';
import { queryRule } from './queries.ts';

export const PERFORMANCE_RULES: readonly CodeRule[] = [patternRule, queryRule, quadraticRule, cacheRule];
