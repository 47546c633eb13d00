import type * as ESTree from 'estree';
import type { CodeRule } from '../javascript/code-rule.ts';
import type { CodeModule } from '../javascript/module.ts';
import { dottedName, isFunction, lastName, type Node, propertyOf, unwrap } from '../javascript/syntax.ts';
import { valuesIn } from '../javascript/values.ts';
import { ownRule } from '../rule-hit.ts';

export const COMMAND_INJECTION = ownRule('security', 'command-injection', 'error', {
  cwe: 'CWE-78',
  help: 'Call the program itself with a list of arguments (execFile, spawn) and no shell.',
});
export const CODE_INJECTION = ownRule('security', 'code-injection', 'error', {
  cwe: 'CWE-95',
  help: 'Do not run text as code: parse it, or look it up in a table of what is allowed.',
});

const SHELLS = /^(exec|execSync|execAsync|execPromise|shell|\$)$/;
const PROGRAMS = /^(spawn|spawnSync|execFile|execFileSync|execa|fork)$/;
const RUNS_CODE =
  /^(eval|Function|globalThis\.eval|window\.eval|global\.eval|vm\.(runIn\w+|compileFunction)|runInNewContext|runInThisContext|vm\.Script)$/;

export const commandRule: CodeRule = {
  rules: [COMMAND_INJECTION, CODE_INJECTION],
  create(code, report) {
    const { isConstant } = valuesIn(code);
    const isOpen = (node: Node | undefined): node is Node => node !== undefined && !isConstant(node);
    const visit = (node: ESTree.SimpleCallExpression | ESTree.NewExpression): void => {
      const [first] = node.arguments;
      if (runsShell(code, node) && isOpen(first))
        report(COMMAND_INJECTION, node, `A value becomes part of a command that a shell runs.`);
      if (startsShell(node) && isOpen(shellText(node)))
        report(COMMAND_INJECTION, node, `A value becomes part of a command that a shell runs.`);
      if (RUNS_CODE.test(dottedName(node.callee)) && node.arguments.some((one) => isOpen(one)))
        report(CODE_INJECTION, node, `${dottedName(node.callee)} runs text that is not the program's own.`);
      if (
        /^(setTimeout|setInterval|setImmediate)$/.test(lastName(node.callee)) &&
        first &&
        isText(first) &&
        isOpen(first)
      )
        report(CODE_INJECTION, node, 'Text is run as code after a while.');
    };
    return { CallExpression: visit, NewExpression: visit };
  },
};

/** `exec` is also a method of regular expressions, of databases and of tasks. */
function runsShell(code: CodeModule, node: ESTree.SimpleCallExpression | ESTree.NewExpression): boolean {
  const callee = unwrap(node.callee);
  if (!SHELLS.test(lastName(callee)) || node.type === 'NewExpression') return false;
  if (callee.type === 'MemberExpression')
    return /(child_?process|cp|childProcess|shell(js)?)$/i.test(dottedName(callee.object));
  return callee.type === 'Identifier' && comesFromProcesses(code, callee);
}

function comesFromProcesses(code: CodeModule, name: ESTree.Identifier): boolean {
  const definition = code.variableOf(name)?.defs[0];
  if (definition?.type === 'ImportBinding')
    return /child_process|execa|zx|shelljs/.test(code.textOf(definition.parent));
  if (definition?.type !== 'Variable' || !definition.node.init) return false;
  const init = definition.node.init;
  return /child_process|promisify\(\s*(\w+\.)?exec/.test(code.textOf(init).slice(0, 200));
}

/** `spawn(…, { shell: true })` and `spawn('sh', ['-c', …])`. */
function startsShell(node: ESTree.SimpleCallExpression | ESTree.NewExpression): boolean {
  return PROGRAMS.test(lastName(node.callee)) && shellText(node) !== undefined;
}

function shellText(node: ESTree.SimpleCallExpression | ESTree.NewExpression): Node | undefined {
  const [program, list, options] = node.arguments;
  const shell = propertyOf(options ?? list, 'shell');
  const by_option = shell?.type === 'Literal' && shell.value !== false && shell.value !== null;
  if (by_option) return list?.type === 'ArrayExpression' && list.elements.length > 0 ? list : program;
  if (
    program?.type !== 'Literal' ||
    !/(^|\/)(sh|bash|zsh|dash|cmd|powershell)(\.exe)?$/.test(String(program.value))
  )
    return undefined;
  if (list?.type !== 'ArrayExpression') return undefined;
  const flag = list.elements.findIndex(
    (one) => one?.type === 'Literal' && /^(-\w*c|\/c|-Command)$/.test(String(one.value)),
  );
  return flag < 0 ? undefined : (list.elements[flag + 1] ?? undefined);
}

function isText(node: Node): boolean {
  if (isFunction(node)) return false;
  return node.type === 'TemplateLiteral' || (node.type === 'BinaryExpression' && node.operator === '+');
}
