import type * as ESTree from 'estree';
import type { CodeRule } from '../javascript/code-rule.ts';
import {
  ancestorsOf,
  dottedName,
  functionName,
  isFunction,
  keyOf,
  lastName,
  type Node,
  propertyOf,
  statementOf,
  stringOf,
} from '../javascript/syntax.ts';
import { ownRule } from '../rule-hit.ts';

const WEAK_HASH = ownRule('security', 'weak-hash', 'error', {
  cwe: 'CWE-916',
  help: 'Passwords: scrypt, bcrypt or argon2 with a salt. Signatures: HMAC with SHA-256.',
});
const WEAK_CIPHER = ownRule('security', 'weak-cipher', 'error', {
  cwe: 'CWE-327',
  help: 'Use AES-256-GCM or ChaCha20-Poly1305 with a fresh nonce.',
});
const WEAK_RANDOM = ownRule('security', 'weak-random', 'error', {
  cwe: 'CWE-338',
  help: 'Use crypto.randomBytes, crypto.randomUUID or crypto.randomInt.',
});
const TIMING = ownRule('security', 'timing-attack', 'warning', {
  cwe: 'CWE-208',
  help: 'Compare with crypto.timingSafeEqual.',
});
const JWT = ownRule('security', 'jwt-unverified', 'error', {
  cwe: 'CWE-347',
  help: 'Verify the signature, with a fixed list of algorithms.',
});

const PASSWORDS = /pass(word|wd|phrase)|pwd|\bpin\b/i;
const SECRETS =
  /pass(word|wd|phrase)|pwd|secret|token|session|signature|\bsign|nonce|salt|otp|csrf|credential|api_?key|auth|reset|invit|\bpin\b/i;
const COMPARED =
  /(signature|hmac|secret|passw(or)?d|api_?key|csrf(_?token)?|(auth|access|session|reset|api)_?token|password_?hash)$/i;
const ALSO_TYPED = /confirm|repeat|again|old|new|previous|current|type|kind|length|undefined/i;

export const cryptoRule: CodeRule = {
  rules: [WEAK_HASH, WEAK_CIPHER, WEAK_RANDOM, TIMING, JWT],
  create(code, report) {
    return {
      CallExpression(node) {
        const name = dottedName(node.callee);
        const last = lastName(node.callee);
        const context = contextOf(node, code.textOf);
        if (/^createHash$|^(md5|sha1)$/i.test(last) && isWeakHash(node, last, context))
          report(WEAK_HASH, node, 'This hash is too fast, or broken, for what it protects.');
        if (/^create(C|Dec)ipher(iv)?$/.test(last) && isWeakCipher(node, last))
          report(WEAK_CIPHER, node, 'This cipher does not protect.');
        if (name === 'Math.random' && SECRETS.test(context))
          report(WEAK_RANDOM, node, 'Math.random can be foretold; what must not be guessed is made of it.');
        if (/(^|\.)(jwt|jsonwebtoken)\.(verify|decode)$/i.test(name) && isUnverified(node, last))
          report(JWT, node, 'The token is believed without its signature.');
      },
      BinaryExpression(node) {
        if (!/^[!=]==?$/.test(node.operator)) return;
        const sides = [node.left as Node, node.right];
        if (sides.some((side) => !isNamed(side)) || sides.some((side) => ALSO_TYPED.test(lastName(side))))
          return;
        if (sides.some((side) => COMPARED.test(lastName(side))))
          report(TIMING, node, 'How long this comparison takes tells how much of the secret was right.');
      },
    };
  },
};

/** The statement around a call and the names of the functions it is in. */
function contextOf(node: Node, textOf: (node: Node) => string): string {
  const names: string[] = [];
  for (const around of ancestorsOf(node)) {
    if (isFunction(around)) names.push(functionName(around));
    if (around.type === 'Property') names.push(keyOf(around) ?? '');
    if (names.length > 3) break;
  }
  const statement = statementOf(node);
  const text = statement === node || isFunction(statement) ? textOf(node) : textOf(statement);
  return `${names.join(' ')} ${text.slice(0, 600)}`.replace(/([a-z])([A-Z])/g, '$1 $2');
}

function isWeakHash(node: ESTree.SimpleCallExpression, name: string, context: string): boolean {
  const algorithm = /^create/.test(name) ? (stringOf(node.arguments[0]) ?? '') : name;
  if (/^(md4|md5|sha-?1|ripemd)/i.test(algorithm)) return SECRETS.test(context);
  return /^sha/i.test(algorithm) && PASSWORDS.test(context);
}

function isWeakCipher(node: ESTree.SimpleCallExpression, name: string): boolean {
  if (/cipher$/.test(name)) return true;
  return /^(des|rc[24]|bf|blowfish|cast)|-ecb$/i.test(stringOf(node.arguments[0]) ?? '');
}

function isUnverified(node: ESTree.SimpleCallExpression, name: string): boolean {
  if (name === 'decode') return true;
  const options = node.arguments[2];
  const algorithms = propertyOf(options, 'algorithms');
  const ignores = propertyOf(options, 'ignoreExpiration');
  return (
    (algorithms?.type === 'ArrayExpression' &&
      algorithms.elements.some((one) => /^none$/i.test(stringOf(one) ?? ''))) ||
    (ignores?.type === 'Literal' && ignores.value === true)
  );
}

function isNamed(node: Node): boolean {
  return (
    ['Identifier', 'MemberExpression', 'CallExpression', 'ChainExpression'].includes(node.type) &&
    !/^[A-Z][A-Z0-9_]*$/.test(lastName(node))
  );
}
