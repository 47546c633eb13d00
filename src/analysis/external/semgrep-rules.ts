import type { FindingRule, FindingSeverity } from '../../contract/findings.ts';
import type { Json, JsonObject } from '../../contract/json.ts';
import { toolRule } from './tool.ts';

/** A rule of ours in semgrep's language. */
export interface SemgrepRule {
  rule: FindingRule;
  message: string;
  /** What semgrep searches for: https://semgrep.dev/docs/writing-rules. */
  search: JsonObject & { languages: string[] };
}

interface Kind {
  kind: string;
  severity: FindingSeverity;
  cwe: string;
  help: string;
  message: string;
}

const COMMAND: Kind = {
  kind: 'command-injection',
  severity: 'error',
  cwe: 'CWE-78',
  help: 'Give the program a list of arguments, and no shell.',
  message: 'A value becomes part of a command that a shell runs.',
};
const SQL: Kind = {
  kind: 'sql-injection',
  severity: 'error',
  cwe: 'CWE-89',
  help: 'Pass values as parameters of the query.',
  message: 'A value becomes part of an SQL statement.',
};
const CODE: Kind = {
  kind: 'code-injection',
  severity: 'error',
  cwe: 'CWE-95',
  help: 'Parse the text instead of running it.',
  message: 'Text from a request is run as code.',
};
const PATH: Kind = {
  kind: 'path-traversal',
  severity: 'error',
  cwe: 'CWE-22',
  help: 'Resolve the path and refuse what lies outside of the directory that is meant.',
  message: 'A request says which file is opened.',
};
const ADDRESS: Kind = {
  kind: 'ssrf',
  severity: 'error',
  cwe: 'CWE-918',
  help: 'Allow only hosts that are known.',
  message: 'A request says which address is called.',
};
const TLS: Kind = {
  kind: 'tls-verification-off',
  severity: 'error',
  cwe: 'CWE-295',
  help: 'Trust the right certificate authority instead.',
  message: 'The certificate of the other side is not checked.',
};
const OBJECTS: Kind = {
  kind: 'unsafe-deserialization',
  severity: 'warning',
  cwe: 'CWE-502',
  help: 'Read JSON, or allow only known classes.',
  message: 'Reading this data may run code.',
};
const CIPHER: Kind = {
  kind: 'weak-cipher',
  severity: 'warning',
  cwe: 'CWE-327',
  help: 'Use AES-GCM or ChaCha20-Poly1305.',
  message: 'This cipher no longer keeps anything secret.',
};

const any = (...patterns: string[]): Json[] => patterns.map((pattern) => ({ pattern }));

/** From a request to a place that it must not reach. */
const flow = (sources: string[], sinks: string[]): JsonObject => ({
  mode: 'taint',
  'pattern-sources': [{ 'pattern-either': any(...sources) }],
  'pattern-sinks': [{ 'pattern-either': any(...sinks) }],
});

const SHELLS = ['sh', 'bash', '/bin/sh', '/bin/bash'];
const PYTHON_REQUEST = ['flask.request.$PART', 'request.args', 'request.form', 'request.GET', 'request.POST'];
const PHP_REQUEST = ['$_GET', '$_POST', '$_REQUEST', '$_COOKIE'];

function python(id: string, kind: Kind, sinks: string[]): [string, SemgrepRule] {
  return rule(`python-request-${id}`, kind, 'python', flow(PYTHON_REQUEST, sinks));
}

function php(id: string, kind: Kind, sinks: string[]): [string, SemgrepRule] {
  return rule(`php-request-${id}`, kind, 'php', flow(PHP_REQUEST, sinks));
}

/** By the id that semgrep reports. */
export const SEMGREP_RULES: ReadonlyMap<string, SemgrepRule> = new Map([
  rule('go-shell-command', COMMAND, 'go', {
    patterns: [
      { 'pattern-either': any(...SHELLS.map((shell) => `exec.Command("${shell}", "-c", $TEXT)`)) },
      { 'pattern-not': 'exec.Command("...", "-c", "...")' },
    ],
  }),
  rule('go-built-sql', SQL, 'go', {
    'pattern-either': ['Query', 'QueryRow', 'Exec'].flatMap((call) =>
      any(`$DB.${call}(fmt.Sprintf(...), ...)`, `$DB.${call}("..." + $VALUE, ...)`),
    ),
  }),
  rule('go-tls-unverified', TLS, 'go', { pattern: 'tls.Config{..., InsecureSkipVerify: true, ...}' }),
  rule('java-shell-command', COMMAND, 'java', {
    'pattern-either': any('Runtime.getRuntime().exec("..." + $VALUE, ...)', '$RUNTIME.exec("..." + $VALUE)'),
  }),
  rule('java-built-sql', SQL, 'java', {
    'pattern-either': ['execute', 'executeQuery', 'executeUpdate', 'prepareStatement'].flatMap((call) =>
      any(`$STATEMENT.${call}("..." + $VALUE, ...)`, `$STATEMENT.${call}(String.format(...), ...)`),
    ),
  }),
  rule('java-object-stream', OBJECTS, 'java', {
    'pattern-either': any(
      '(ObjectInputStream $STREAM).readObject()',
      'new ObjectInputStream(...).readObject()',
    ),
  }),
  rule('java-weak-cipher', CIPHER, 'java', {
    patterns: [
      { pattern: 'Cipher.getInstance($NAME)' },
      {
        'metavariable-regex': {
          metavariable: '$NAME',
          regex: '(?i)"(des|desede|rc2|rc4|blowfish|[^"/]+/ecb)\\b.*',
        },
      },
    ],
  }),
  python('command', COMMAND, ['os.system(...)', 'os.popen(...)', 'subprocess.$RUN(..., shell=True, ...)']),
  python('sql', SQL, ['$CURSOR.execute($QUERY)', '$CURSOR.executescript(...)']),
  python('code', CODE, ['eval(...)', 'exec(...)']),
  python('path', PATH, ['open($PATH, ...)', 'flask.send_file($PATH, ...)']),
  python('address', ADDRESS, ['requests.$CALL($URL, ...)', 'urllib.request.urlopen($URL, ...)']),
  php('command', COMMAND, ['system(...)', 'exec(...)', 'shell_exec(...)', 'passthru(...)', 'popen(...)']),
  php('sql', SQL, ['mysqli_query($LINK, $QUERY)', '$DB->query(...)', '$DB->exec(...)']),
  php('code', CODE, ['eval(...)', 'unserialize(...)']),
  rule(
    'ruby-request-command',
    COMMAND,
    'ruby',
    flow(['params[...]'], ['system(...)', 'exec(...)', 'spawn(...)']),
  ),
  rule('ruby-request-code', CODE, 'ruby', flow(['params[...]'], ['eval(...)', '$ANY.instance_eval(...)'])),
  rule(
    'ruby-request-objects',
    OBJECTS,
    'ruby',
    flow(['params[...]'], ['Marshal.load(...)', 'YAML.load(...)']),
  ),
]);

/** The rules as semgrep reads them: JSON is YAML. */
export function semgrepRulesFile(): string {
  const rules = [...SEMGREP_RULES].map(
    ([
      id,
      {
        rule: { severity },
        message,
        search,
      },
    ]) => ({
      id,
      severity: { error: 'ERROR', warning: 'WARNING', note: 'INFO' }[severity],
      message,
      ...search,
    }),
  );
  return JSON.stringify({ rules });
}

function rule(id: string, of: Kind, language: string, search: JsonObject): [string, SemgrepRule] {
  const { message, ...about } = of;
  const found = toolRule('semgrep', id, { area: 'security', ...about });
  return [id, { rule: found, message, search: { ...search, languages: [language] } }];
}
