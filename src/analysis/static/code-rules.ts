import type { CodeRule } from '../javascript/code-rule.ts';
import { complexityRule } from './complexity.ts';
import { promiseRule } from './promises.ts';
import { slipRule } from './slips.ts';

export const STATIC_RULES: readonly CodeRule[] = [complexityRule, promiseRule, slipRule];
