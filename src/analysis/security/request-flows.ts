import type * as ESTree from 'estree';
import type { FindingRule } from '../../contract/findings.ts';
import type { CodeRule } from '../javascript/code-rule.ts';
import { dottedName, lastName, type Node, unwrap } from '../javascript/syntax.ts';
import { composedText, valuesIn } from '../javascript/values.ts';
import { ownRule } from '../rule-hit.ts';

export const PATH_TRAVERSAL = ownRule('security', 'path-traversal', 'error', {
  cwe: 'CWE-22',
  help: 'Resolve the path and check that it is still below its folder, or take only its base name.',
});
export const SSRF = ownRule('security', 'ssrf', 'error', {
  cwe: 'CWE-918',
  help: 'Compare the host with a list of those that may be called.',
});
const OPEN_REDIRECT = ownRule('security', 'open-redirect', 'warning', {
  cwe: 'CWE-601',
  help: 'Redirect to paths of your own, or to hosts on a list.',
});
const XSS = ownRule('security', 'xss', 'error', {
  cwe: 'CWE-79',
  help: 'Escape what goes into HTML, or set it as text.',
});
const REGEX_INJECTION = ownRule('security', 'regex-injection', 'warning', {
  cwe: 'CWE-1333',
  help: 'Escape the text before it becomes a pattern, or search without one.',
});
const MASS_ASSIGNMENT = ownRule('security', 'mass-assignment', 'warning', {
  cwe: 'CWE-915',
  help: 'Name the fields that a caller may set.',
});

/** Files named by their argument. */
const FILES =
  /^(readFile|readFileSync|createReadStream|writeFile|writeFileSync|createWriteStream|appendFile|appendFileSync|unlink|unlinkSync|rm|rmSync|rmdir|readdir|readdirSync|stat|statSync|open|openSync|copyFile|copyFileSync|rename|renameSync|sendFile|sendfile|download|mkdir|mkdirSync|access|existsSync|outputFile|readJson)$/;
const FILE_OBJECTS = /(^|\.)(fs|fsp|fsPromises|promises|res|response|reply|fse|file[sS]ystem)(\(\))?$/;
const CALLS_OUT =
  /^(fetch|axios|got|request|needle|superagent|(axios|got|http|https|request|needle|superagent|ky)\.(get|post|put|patch|delete|head|request|stream))$/;

/** What a request's text must not reach unchecked: the rule, and the arguments that count. */
export function sinkOf(
  call: ESTree.SimpleCallExpression | ESTree.NewExpression,
): { rule: FindingRule; arguments: Node[] } | undefined {
  const callee = unwrap(call.callee);
  const name = lastName(callee);
  const object = callee.type === 'MemberExpression' ? dottedName(callee.object) : undefined;
  if (FILES.test(name) && (object === undefined || FILE_OBJECTS.test(object)))
    return hasRoot(call)
      ? undefined
      : { rule: PATH_TRAVERSAL, arguments: call.arguments.slice(0, /copy|rename/.test(name) ? 2 : 1) };
  if (CALLS_OUT.test(dottedName(callee))) return { rule: SSRF, arguments: call.arguments.slice(0, 1) };
  return undefined;
}

/** `res.sendFile(name, { root })` keeps to its folder by itself. */
function hasRoot(call: ESTree.SimpleCallExpression | ESTree.NewExpression): boolean {
  const options = call.arguments[1];
  return (
    /^send[fF]ile$/.test(lastName(call.callee)) &&
    options?.type === 'ObjectExpression' &&
    options.properties.some((one) => one.type === 'Property' && lastName(one.key) === 'root')
  );
}

export const requestRule: CodeRule = {
  rules: [PATH_TRAVERSAL, SSRF, OPEN_REDIRECT, XSS, REGEX_INJECTION, MASS_ASSIGNMENT],
  create(code, report) {
    const { isFromRequest } = valuesIn(code);
    const visit = (node: ESTree.SimpleCallExpression | ESTree.NewExpression): void => {
      const name = dottedName(node.callee);
      const [first] = node.arguments;
      const sink = sinkOf(node);
      if (sink?.arguments.some((one) => namesTarget(sink.rule, one, isFromRequest)))
        report(sink.rule, node, `What a request says decides what ${name} reaches.`);
      if (/(^|\.)(res|response|reply|ctx)\.redirect$/.test(name)) {
        const target = node.arguments.at(-1);
        if (target && isWholeTarget(target, isFromRequest))
          report(OPEN_REDIRECT, node, 'A request decides where its sender is sent.');
      }
      if (
        /(^|\.)(res|response|reply)\.(send|end|write)$/.test(name) &&
        first &&
        isHtml(code.textOf(first), first, isFromRequest)
      )
        report(XSS, node, 'Text of a request becomes part of a page.');
      if (lastName(node.callee) === 'RegExp' && first && isFromRequest(first))
        report(REGEX_INJECTION, node, 'Text of a request becomes a regular expression.');
      if (
        name === 'Object.assign' &&
        node.arguments.slice(1).some(isBody(isFromRequest)) &&
        first?.type !== 'ObjectExpression'
      )
        report(MASS_ASSIGNMENT, node, 'Every field that a request names is set.');
    };
    return { CallExpression: visit, NewExpression: visit };
  },
};

/** Text behind a fixed host cannot change the host. */
function namesTarget(rule: FindingRule, node: Node, isFromRequest: (node: Node) => boolean): boolean {
  return rule === SSRF ? isWholeTarget(node, isFromRequest) : isFromRequest(node);
}

function isWholeTarget(node: Node, isFromRequest: (node: Node) => boolean): boolean {
  const composed = composedText(node);
  if (!composed || composed.values.length === 0) return isFromRequest(node);
  const has_fixed_start = /^(https?:\/\/[^\0/]+\/|\/[^\0/\\])/.test(composed.text);
  return !has_fixed_start && composed.values.some(isFromRequest);
}

function isHtml(text: string, node: Node, isFromRequest: (node: Node) => boolean): boolean {
  const composed = composedText(node);
  if (!composed) return false;
  return /<[a-z!/]/i.test(text) && composed.values.some(isFromRequest);
}

function isBody(isFromRequest: (node: Node) => boolean): (node: Node) => boolean {
  return (node) => /\.body$|^body$/.test(dottedName(node)) && isFromRequest(node);
}
