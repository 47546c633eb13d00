import type { CodeRule } from '../javascript/code-rule.ts';
import { dottedName, keyOf, lastName, type Node, propertyOf, stringOf } from '../javascript/syntax.ts';
import { valuesIn } from '../javascript/values.ts';
import { ownRule } from '../rule-hit.ts';

const TLS = ownRule('security', 'tls-verification-off', 'error', {
  cwe: 'CWE-295',
  help: 'Trust the right certificate authority instead (`ca`).',
});
const INNER_HTML = ownRule('security', 'dom-xss', 'error', {
  cwe: 'CWE-79',
  help: 'Set textContent, or clean the HTML first.',
});
const CORS = ownRule('security', 'cors-with-credentials', 'warning', {
  cwe: 'CWE-942',
  help: 'Name the origins that may send credentials.',
});
const COOKIE = ownRule('security', 'insecure-cookie', 'warning', {
  cwe: 'CWE-1004',
  help: 'Set httpOnly, secure and sameSite on cookies that identify a session.',
});
const LEAK = ownRule('security', 'stack-trace-exposure', 'warning', {
  cwe: 'CWE-209',
  help: 'Log the error; answer with an identifier.',
});
const LOGGED = ownRule('security', 'secret-in-log', 'warning', {
  cwe: 'CWE-532',
  help: 'Leave the secret out of the log.',
});
const DESERIALIZE = ownRule('security', 'unsafe-deserialization', 'error', {
  cwe: 'CWE-502',
  help: 'Read plain data (JSON) and check its form.',
});
const PERMISSIONS = ownRule('security', 'world-writable', 'warning', {
  cwe: 'CWE-732',
  help: 'Let only the owner write.',
});

const SECRET_NAME =
  /^(\w*(password|passwd|passphrase|secret|private_?key|api_?key)|(auth|access|refresh|session|reset|api)_?token)$/i;
const SESSION_COOKIE = /sess|token|auth|jwt|^sid$/i;
const CLEANED = /saniti[sz]e|escape|purify|encode|clean|trusted/i;

export const settingsRule: CodeRule = {
  rules: [TLS, INNER_HTML, CORS, COOKIE, LEAK, LOGGED, DESERIALIZE, PERMISSIONS],
  create(code, report) {
    const { isConstant } = valuesIn(code);
    const isOpenHtml = (node: Node): boolean => !isConstant(node) && !CLEANED.test(code.textOf(node));
    return {
      Property(node) {
        const key = keyOf(node);
        if (/^(rejectUnauthorized|strictSSL|checkServerIdentity)$/.test(key ?? '') && isFalse(node.value))
          report(TLS, node, 'The certificate of the other side is not checked.');
        if (key === '__html' && isOpenHtml(node.value))
          report(INNER_HTML, node, 'A value becomes HTML as it is.');
      },
      AssignmentExpression(node) {
        const name = lastName(node.left);
        if (name === 'NODE_TLS_REJECT_UNAUTHORIZED' && /^['"]?0/.test(code.textOf(node.right)))
          report(TLS, node, 'No certificate is checked any more, in the whole process.');
        if (name === 'rejectUnauthorized' && isFalse(node.right))
          report(TLS, node, 'The certificate of the other side is not checked.');
        if (/^(inner|outer)HTML$/.test(name) && isOpenHtml(node.right))
          report(INNER_HTML, node, 'A value becomes HTML as it is.');
      },
      CallExpression(node) {
        const name = dottedName(node.callee);
        const last = lastName(node.callee);
        const [first, second, third] = node.arguments;
        if (/^document\.write(ln)?$/.test(name) && first && isOpenHtml(first))
          report(INNER_HTML, node, 'A value becomes HTML as it is.');
        if (last === 'insertAdjacentHTML' && second && isOpenHtml(second))
          report(INNER_HTML, node, 'A value becomes HTML as it is.');
        if (last === 'cors' && isAnyOrigin(first))
          report(CORS, node, 'Every site may act with the rights of its visitors.');
        if (
          /(^|\.)(res|response|reply)\.(cookie|setCookie)$/.test(name) &&
          SESSION_COOKIE.test(stringOf(first) ?? '') &&
          !isHttpOnly(third)
        )
          report(COOKIE, node, 'Scripts can read this cookie.');
        if (
          /(^|\.)(res|response|reply)(\.status\(\))?\.(send|json|end)$/.test(name) &&
          first &&
          mentionsStack(code.textOf(first))
        )
          report(LEAK, node, 'The answer tells how the program is made inside.');
        if (
          /^(console|log|logger)\.(log|info|debug|warn|error|trace)$/.test(name) &&
          node.arguments.some(isSecretValue)
        )
          report(LOGGED, node, 'A secret is written to the log.');
        if (/^(serialize|nodeSerialize|serializeJavascript)\.unserialize$|^unserialize$/.test(name))
          report(DESERIALIZE, node, 'Reading this data may run code.');
        if (
          /^(fs\.)?(chmod|chmodSync|promises\.chmod)$/.test(name) &&
          second &&
          isWorldWritable(code.textOf(second))
        )
          report(PERMISSIONS, node, 'Everybody may change this file.');
      },
    };
  },
};

function isFalse(node: Node): boolean {
  if (node.type === 'Literal') return node.value === false || node.value === 0;
  if (node.type !== 'ArrowFunctionExpression') return false;
  return node.params.length === 0 && (node.body.type === 'Identifier' || node.body.type === 'BlockStatement');
}

function isAnyOrigin(options: Node | undefined): boolean {
  const origin = propertyOf(options, 'origin');
  const credentials = propertyOf(options, 'credentials');
  if (credentials?.type !== 'Literal' || credentials.value !== true) return false;
  return origin?.type === 'Literal' && (origin.value === true || origin.value === '*');
}

function isHttpOnly(options: Node | undefined): boolean {
  if (!options) return false;
  if (options.type !== 'ObjectExpression' || options.properties.some((one) => one.type === 'SpreadElement'))
    return true;
  const value = propertyOf(options, 'httpOnly');
  return value !== undefined && !isFalse(value);
}

function mentionsStack(text: string): boolean {
  return /\b(err|error|e|ex)\.stack\b/.test(text.slice(0, 1_000));
}

function isSecretValue(node: Node): boolean {
  if (node.type === 'TemplateLiteral') return node.expressions.some(isSecretValue);
  if (node.type === 'BinaryExpression' && node.operator === '+')
    return isSecretValue(node.left) || isSecretValue(node.right);
  if (node.type === 'ObjectExpression')
    return node.properties.some((one) => one.type === 'Property' && isSecretValue(one.value));
  return (node.type === 'Identifier' || node.type === 'MemberExpression') && SECRET_NAME.test(lastName(node));
}

function isWorldWritable(text: string): boolean {
  return /^(0o?|['"]0?)[0-7]*[2367]['"]?$/.test(text);
}
