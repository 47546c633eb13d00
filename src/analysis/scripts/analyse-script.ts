import type { FindingArea, SourceFile } from '../../contract/findings.ts';
import type { RuleHit } from '../rule-hit.ts';
import { isTestPath, languageOf } from '../source-language.ts';
import { runLineRules } from '../text-rule.ts';
import { pythonLines } from './python-lines.ts';
import { pythonPerformance } from './python-performance.ts';
import { PYTHON_SECURITY, PYTHON_STATIC } from './python-rules.ts';
import { SHELL_SECURITY, SHELL_STATIC, shellLines } from './shell-rules.ts';

/** What simple rules say of a Python or shell file. */
export function analyseScript(file: SourceFile, areas: ReadonlySet<FindingArea>): RuleHit[] {
  const is_python = languageOf(file.path) === 'python';
  const lines = is_python ? pythonLines(file.text) : shellLines(file.text);
  const is_product = !isTestPath(file.path);
  return [
    ...(areas.has('static') ? runLineRules(lines, is_python ? PYTHON_STATIC : SHELL_STATIC) : []),
    ...(areas.has('security') && is_product
      ? runLineRules(lines, is_python ? PYTHON_SECURITY : SHELL_SECURITY)
      : []),
    ...(areas.has('performance') && is_product && is_python ? pythonPerformance(lines) : []),
  ];
}
