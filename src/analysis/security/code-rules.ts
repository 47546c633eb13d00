import type { CodeRule } from '../javascript/code-rule.ts';
import { commandRule } from './commands.ts';
import { cryptoRule } from './crypto.ts';
import { pollutionRule } from './prototype-pollution.ts';
import { requestRule } from './request-flows.ts';
import { settingsRule } from './settings.ts';
import { sqlRule } from './sql.ts';

export const SECURITY_RULES: readonly CodeRule[] = [
  sqlRule,
  commandRule,
  requestRule,
  cryptoRule,
  settingsRule,
  pollutionRule,
];
