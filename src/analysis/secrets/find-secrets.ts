import type { SourceFile } from '../../contract/findings.ts';
import { OWN_TOOL, ownRule, type RuleHit } from '../rule-hit.ts';
import { extensionOf, isTestPath } from '../source-language.ts';
import { SECRET_FORMATS } from './formats.ts';
import { entropyOf, isPlaceholder } from './placeholders.ts';

export const SECRET = ownRule('security', 'hardcoded-secret', 'error', {
  cwe: 'CWE-798',
  help: 'Make it worthless where it was issued, then take it from the environment or a secret store.',
});

const MAX_LINE_CHARS = 5_000;
const LOCK_FILES =
  /(^|\/)(package-lock\.json|yarn\.lock|pnpm-lock\.yaml|poetry\.lock|go\.sum|Cargo\.lock|composer\.lock)$/;

/** `name = 'value'`, `"name": "value"`, `name: string = env.X ?? 'value'`. */
const ASSIGNED =
  /([A-Za-z_][\w.-]{1,60})["'`\]]{0,2}\s{0,4}(?::\s{0,2}\w{1,20}\s{0,2})?(?::=|=>|={1,3}|:)\s{0,4}(?:[\w.[\]'"()]{1,60}\s{0,2}(?:\|\||\?\?|,)\s{0,2})?(["'`])([^"'`\n]{6,200})\2/g;
const BARE =
  /^\s{0,40}(?:export\s{1,4})?([A-Za-z_][\w.-]{1,60})\s{0,4}[=:]\s{0,4}([^\s"'`#$<{]{6,200})\s{0,20}$/g;
const TAKES_BARE = new Set(['env', 'sh', 'bash', 'yml', 'yaml', 'ini', 'properties', 'toml', 'cfg', 'conf']);

const PASSWORD = /pass(word|wd|phrase)|pwd/i;
const TOKEN =
  /secret|token|api_?-?key|access_?-?key|private_?-?key|auth_?-?key|credential|encryption_?-?key|signing_?-?key|master_?-?key|salt$|pepper/i;
const NO_SECRET =
  /public|path|url|uri|file|name$|type|field|header|prefix|suffix|label|_?id$|placeholder|pattern|regex|hint|message|error|title|column|param|length|expir|ttl|selector|class|route|endpoint|scope|kind|event|key_?word|algorithm|description|text/i;

/** Passwords, keys and tokens that stand in a file. Tests may make up passwords and keys of their own, but not tokens that others issue. */
export function findSecrets({ path, text }: SourceFile): RuleHit[] {
  if (LOCK_FILES.test(path)) return [];
  const hits: RuleHit[] = [];
  const is_test = isTestPath(path);
  for (const [index, full] of text.split('\n').entries()) {
    const line = full.slice(0, MAX_LINE_CHARS);
    const found = is_test ? knownFormat(line, true) : (knownFormat(line, false) ?? byName(line, path));
    if (found) hits.push(hitAt(found, index + 1));
  }
  return hits;
}

interface Found {
  what: string;
  value: string;
  column: number;
}

function knownFormat(line: string, is_test: boolean): Found | undefined {
  for (const { name, pattern, group = 0, is_made_up } of SECRET_FORMATS) {
    if (is_test && is_made_up === true) continue;
    for (const match of line.matchAll(pattern)) {
      const value = match[group] ?? match[0];
      const is_weak =
        group === 1 &&
        /^(password|passwd|pass|pwd|secret|postgres|root|admin|guest|user|test|changeme)$/i.test(value);
      if (!isPlaceholder(value) && !is_weak) return { what: name, value, column: match.index + 1 };
    }
  }
  return undefined;
}

function byName(line: string, path: string): Found | undefined {
  for (const match of line.matchAll(ASSIGNED)) {
    const [whole, name = '', , value = ''] = match;
    if (isSecret(name, value))
      return { what: 'a secret', value, column: match.index + whole.lastIndexOf(value) + 1 };
  }
  const is_bare = TAKES_BARE.has(extensionOf(path)) || /(^|\/)\.env/.test(path);
  for (const match of is_bare ? line.matchAll(BARE) : []) {
    const [whole, name = '', value = ''] = match;
    if (isSecret(name, value)) return { what: 'a secret', value, column: whole.lastIndexOf(value) + 1 };
  }
  return undefined;
}

function isSecret(name: string, value: string): boolean {
  if (NO_SECRET.test(name) || isPlaceholder(value) || /\s/.test(value)) return false;
  // An address or a path, a name in code, a template.
  if (/^(https?:|\.{0,2}\/|[a-z]+:\/\/)/.test(value) || /[(){}<>]/.test(value)) return false;
  if (PASSWORD.test(name))
    return /[A-Za-z]/.test(value) && /[\d!@#%^&*+=~]/.test(value) && entropyOf(value) >= 2.3;
  return (
    TOKEN.test(name) &&
    value.length >= 12 &&
    (/\d/.test(value) || value.length >= 20) &&
    entropyOf(value) >= 3 &&
    !isWords(value)
  );
}

/** `access_token`, `user.session-key`: a name rather than a secret. */
function isWords(value: string): boolean {
  return /^[a-z]{2,14}([-_.:][a-z]{2,14}){0,6}$/i.test(value) || /^[A-Z_]+$/.test(value);
}

/** The secret itself is neither in the message nor in the snippet: reports are read by many. */
function hitAt({ what, value, column }: Found, line: number): RuleHit {
  const span = { line, column, end_line: line, end_column: column + value.length };
  return {
    rule: SECRET,
    message: `This looks like ${what}.`,
    span,
    symbol: '',
    snippet: `${what}:${value}`,
    tool: OWN_TOOL,
  };
}
