import { ownRule } from '../rule-hit.ts';
import type { LineRule } from '../text-rule.ts';

const FORMATTED_SQL =
  /\b(execute|executemany|raw|read_sql|text)\s*\(\s*(f["']|["'][^"'\n]*["']\s*(%|\+|\.format)|\w+\s*%\s*\w)/;
const SQL_TEXT =
  /(=|\()\s*(f["'](select|insert|update|delete)\b[^"'\n]*\{|["'](select|insert|update|delete)\b[^"'\n]*["']\s*(%[^s(]|%\s*\(|\+|\.format\())/i;

const COMMAND = { cwe: 'CWE-78', help: 'Give the program a list of arguments, and no shell.' };
const CODE = { cwe: 'CWE-95', help: 'Parse the text (ast.literal_eval, json) instead of running it.' };

export const PYTHON_SECURITY: readonly LineRule[] = [
  {
    rule: ownRule('security', 'command-injection', 'error', COMMAND),
    message: 'A value becomes part of a command that a shell runs.',
    finds: ({ text }) =>
      (/\bsubprocess\.\w+\(/.test(text) &&
        /shell\s*=\s*True/.test(text) &&
        !isLiteralArgument(text, /subprocess\.\w+\(/)) ||
      (/\bos\.(system|popen)\(/.test(text) && !isLiteralArgument(text, /os\.(system|popen)\(/)),
  },
  {
    rule: ownRule('security', 'code-injection', 'error', CODE),
    message: 'Text is run as code.',
    finds: ({ text }) =>
      /(^|[^\w.])(eval|exec)\s*\(/.test(text) && !isLiteralArgument(text, /(^|[^\w.])(eval|exec)\s*\(/),
  },
  {
    rule: ownRule('security', 'unsafe-deserialization', 'error', {
      cwe: 'CWE-502',
      help: 'Read JSON, or yaml.safe_load.',
    }),
    message: 'Reading this data may run code.',
    finds: ({ text }) =>
      /\b(pickle|cPickle|dill|shelve|marshal)\.(loads?|Unpickler|open)\(/.test(text) ||
      (/\byaml\.load\(/.test(text) && !/SafeLoader/.test(text)),
  },
  {
    rule: ownRule('security', 'sql-injection', 'error', {
      cwe: 'CWE-89',
      help: 'Pass values as parameters of the query.',
    }),
    message: 'A value becomes part of an SQL statement.',
    finds: ({ text }) => (FORMATTED_SQL.test(text) && hasValue(text)) || SQL_TEXT.test(text),
  },
  {
    rule: ownRule('security', 'tls-verification-off', 'error', {
      cwe: 'CWE-295',
      help: 'Trust the right certificate authority instead.',
    }),
    message: 'The certificate of the other side is not checked.',
    finds: ({ text }) =>
      /\bverify\s*=\s*False\b|_create_unverified_context|\bCERT_NONE\b|check_hostname\s*=\s*False/.test(text),
  },
  {
    rule: ownRule('security', 'weak-hash', 'error', {
      cwe: 'CWE-916',
      help: 'Use hashlib.scrypt, bcrypt or argon2 with a salt.',
    }),
    message: 'This hash is too fast, or broken, for what it protects.',
    finds: ({ text, symbol }) =>
      /\bhashlib\.(md5|sha1|sha256|sha512)\(|hashlib\.new\(\s*["'](md5|sha1)/.test(text) &&
      /passw|pwd|passphrase/i.test(text + symbol),
  },
  {
    rule: ownRule('security', 'weak-random', 'error', { cwe: 'CWE-338', help: 'Use the module secrets.' }),
    message: 'What must not be guessed is made of numbers that can be foretold.',
    finds: ({ text, symbol }) =>
      /\brandom\.(choices?|randint|random|randrange|sample|getrandbits)\(/.test(text) &&
      /token|secret|password|otp|nonce|session|salt|api_?key/i.test(text + symbol),
  },
  {
    rule: ownRule('security', 'insecure-temp-file', 'warning', {
      cwe: 'CWE-377',
      help: 'Use tempfile.mkstemp or NamedTemporaryFile.',
    }),
    message: 'Somebody else may make this file first.',
    finds: ({ text }) => /\btempfile\.mktemp\(/.test(text),
  },
  {
    rule: ownRule('security', 'debug-in-production', 'warning', {
      cwe: 'CWE-489',
      help: 'Take the setting from the environment.',
    }),
    message: 'The debugger lets callers run code.',
    finds: ({ text }) => /\.run\([^)]*debug\s*=\s*True/.test(text),
  },
];

export const PYTHON_STATIC: readonly LineRule[] = [
  {
    rule: ownRule('static', 'mutable-default', 'error', {
      help: 'Make the default None and the list inside.',
    }),
    message: 'All calls share this default, and what is put into it.',
    finds: ({ text }) =>
      /^\s*(async\s+)?def\s/.test(text) &&
      /[(,][^()=,]{1,80}=\s*(\[\s*\]|\{\s*\}|list\(\)|dict\(\)|set\(\))/.test(text),
  },
  {
    rule: ownRule('static', 'bare-except', 'warning', { help: 'Name the exceptions that are expected.' }),
    message: 'This also takes what nobody expects: mistakes, and the request to stop.',
    finds: ({ text }) =>
      /^\s*except\s*:/.test(text) || /^\s*except\s+(Base)?Exception\b[^:]*:\s*pass\s*$/.test(text),
  },
  {
    rule: ownRule('static', 'identity-of-literal', 'error', { help: 'Compare with == or !=.' }),
    message: 'Whether equal values are the same object is up to the interpreter.',
    finds: ({ text }) => /\bis\s+(not\s+)?(["']|\d)/.test(text.replace(/(["'])(?:[^"'\\\n]|\\.)*\1/g, '""')),
  },
  {
    rule: ownRule('static', 'assert-on-tuple', 'error', { help: 'Leave out the parentheses.' }),
    message: 'A tuple with something in it is always true.',
    finds: ({ text }) => /^\s*assert\s*\([^()]+,\s*["'][^"']*["']\s*\)\s*$/.test(text),
  },
];

/** The call's first argument is one written text, and nothing goes into it. */
function isLiteralArgument(text: string, call: RegExp): boolean {
  const match = call.exec(text);
  const rest = match ? text.slice(match.index + match[0].length).trimStart() : '';
  return /^(r|b|u)?(["'])(?:[^"'\\\n]|\\.)*\2\s*(,|\))/.test(rest) || /^\[[^\]]*\]\s*(,|\))/.test(rest);
}

function hasValue(text: string): boolean {
  return !/f["']/.test(text) || /f["'][^"'\n]*\{/.test(text);
}
