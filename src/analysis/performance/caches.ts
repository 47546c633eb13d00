import type * as ESTree from 'estree';
import type { CodeRule } from '../javascript/code-rule.ts';
import { handlersIn } from '../javascript/handlers.ts';
import { onlyValueOf } from '../javascript/module.ts';
import {
  dottedName,
  enclosingFunction,
  isInside,
  lastName,
  type Node,
  parentOf,
} from '../javascript/syntax.ts';
import { ownRule } from '../rule-hit.ts';

const UNBOUNDED = ownRule('performance', 'unbounded-cache', 'warning', {
  cwe: 'CWE-401',
  help: 'Bound how many entries there are, or how old they get.',
});

const NAMED_AS_CACHE = /cache|memo(?!ry)|seen|visited|recent|pending|sessions?$|history/i;
const FORGETS = /^(delete|clear|size|length|shift|pop|splice|prune|evict|keys|entries)$/;
const READS = /^(get|has|includes)$/;
const ADDS = /^(set|add|push)$/;

/**
 * Collections that outlive the calls that add to them, by keys that are not the program's own, and from which nothing is
 * ever taken away.
 */
export const cacheRule: CodeRule = {
  rules: [UNBOUNDED],
  create: (code, report) => {
    const handlers = handlersIn(code);
    return {
      VariableDeclarator: (node) => check(node),
    };
    function check(node: ESTree.VariableDeclarator): void {
      const variable = node.id.type === 'Identifier' ? code.variableOf(node.id) : undefined;
      if (!variable || !isCollection(onlyValueOf(variable))) return;
      const uses = variable.references
        .map(({ identifier }) => identifier as Node)
        .filter((one) => one !== node.id);
      if (uses.some(forgets) || uses.some(isHandedOn)) return;
      const added = uses
        .filter((use) => isKeptFor(use, node, handlers))
        .map((use) => additionOf(use))
        .find((one) => one !== undefined);
      const signs = Number(NAMED_AS_CACHE.test(variable.name)) + Number(added && isReadBeside(added, uses));
      // What a factory keeps may go with it, so that it must show more clearly.
      if (added && signs >= (enclosingFunction(node) ? 2 : 1))
        report(
          UNBOUNDED,
          added,
          `${variable.name} grows with every new key, for as long as the process lives.`,
        );
    }
  },
};

/** The module keeps it, or a function that was handed out does: a method, a handler, what a factory returned. */
function isKeptFor(use: Node, declaration: Node, handlers: ReadonlySet<Node>): boolean {
  const around = enclosingFunction(declaration);
  if (!around) return true;
  for (let at = enclosingFunction(use); at && at !== around; at = enclosingFunction(at)) {
    const parent = parentOf(at);
    if (handlers.has(at) || /^(Property|MethodDefinition|ReturnStatement)$/.test(parent?.type ?? ''))
      return true;
  }
  return false;
}

function isCollection(value: Node | undefined): boolean {
  if (value?.type === 'NewExpression')
    return /^(Map|Set)$/.test(dottedName(value.callee)) && value.arguments.length === 0;
  if (value?.type === 'ObjectExpression') return value.properties.length === 0;
  return value?.type === 'ArrayExpression' && value.elements.length === 0;
}

function memberOf(use: Node): ESTree.MemberExpression | undefined {
  const parent = parentOf(use);
  return parent?.type === 'MemberExpression' && parent.object === use ? parent : undefined;
}

function forgets(use: Node): boolean {
  const member = memberOf(use);
  if (!member) return false;
  const outer = parentOf(member);
  return FORGETS.test(lastName(member)) || (outer?.type === 'UnaryExpression' && outer.operator === 'delete');
}

/** Somebody else has it too, and may take away from it. */
function isHandedOn(use: Node): boolean {
  const parent = parentOf(use);
  return (
    parent !== undefined &&
    /^(CallExpression|ReturnStatement|Property|ExportSpecifier|AssignmentExpression)$/.test(parent.type) &&
    !memberOf(use)
  );
}

/** Where something is added under a key that is not written out. */
function additionOf(use: Node): Node | undefined {
  const member = memberOf(use);
  const outer = member ? parentOf(member) : undefined;
  if (!member || !outer || !enclosingFunction(use)) return undefined;
  if (outer.type === 'CallExpression' && outer.callee === member && ADDS.test(lastName(member))) {
    const [key] = outer.arguments;
    return key && key.type !== 'Literal' ? outer : undefined;
  }
  const is_set = outer.type === 'AssignmentExpression' && outer.left === member && member.computed;
  return is_set && member.property.type !== 'Literal' ? outer : undefined;
}

/** The function that adds looks it up as well: it keeps what it has worked out. */
function isReadBeside(added: Node, uses: readonly Node[]): boolean {
  const around = enclosingFunction(added);
  return uses.some((use) => {
    const member = memberOf(use);
    const reads = member && (READS.test(lastName(member)) || (member.computed && parentOf(member) !== added));
    return reads === true && around !== undefined && isInside(use, around);
  });
}
