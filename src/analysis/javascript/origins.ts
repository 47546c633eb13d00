import type * as ESTree from 'estree';
import { isGuarded } from './guards.ts';
import { type CodeModule, parameterOf, type Variable, valuesOf } from './module.ts';
import { dottedName, lastName, type Node, parentOf, unwrap } from './syntax.ts';

/** Where the text of a value may come from: a request, or a parameter of the function. */
export type Origin = 'request' | Variable;
export type Origins = (node: Node) => ReadonlySet<Origin>;

const NOTHING: ReadonlySet<Origin> = new Set();
const REQUEST: ReadonlySet<Origin> = new Set<Origin>(['request']);
const MAX_DEPTH = 24;

const REQUEST_PARTS =
  /^(req|request|ctx|context|event|this\.req)\.(request\.)?(params|query|body|headers|cookies|url|originalUrl|path|files?|rawBody|queryStringParameters|pathParameters|rawUrl|hostname)\b/;
const PART_NAMES = /^(params|query|body|headers|cookies|url|originalUrl)$/;
const READERS =
  /^(req|request|ctx\.req|c\.req|ctx\.request)\.(get|header|param|query|json|text|formData|form)$/;
const READS_A_REQUEST = /(body|json|payload|form|query|params)/i;
const NAMES_OF_REQUESTS = /^_?(req|request|ctx)$/;

/** Calls whose result holds the text of their arguments. */
const CARRIES_ARGUMENTS =
  /^(String|join|resolve|normalize|decodeURIComponent|decodeURI|unescape|concat|assign|format|stringify|JSON\.parse|from|of|fromEntries|URL|URLSearchParams|trim|all|atob|pathToFileURL|fileURLToPath|toNamespacedPath)$/;
/** Methods whose result holds none of the text of their object. */
const TELLS_ABOUT =
  /^(length|size|includes|has|test|startsWith|endsWith|indexOf|lastIndexOf|localeCompare|charCodeAt|every|some|hasOwnProperty|digest|byteLength|safeParse|validate|is[A-Z]\w*)$/;

/** Follows values backwards through one module, by names; what a call of another function gives back is taken to be its own. */
export function originsIn(code: CodeModule): Origins {
  const known = new Map<Variable, ReadonlySet<Origin>>();

  const ofVariable = (variable: Variable, depth: number): ReadonlySet<Origin> => {
    const before = known.get(variable);
    if (before) return before;
    // A variable that depends on itself adds nothing by that.
    known.set(variable, NOTHING);
    const found = isGuarded(variable) ? NOTHING : lookUp(variable, depth);
    known.set(variable, found);
    return found;
  };

  const lookUp = (variable: Variable, depth: number): ReadonlySet<Origin> => {
    const definition = variable.defs[0];
    if (definition?.type === 'Parameter') {
      if (isPartOfRequest(variable)) return REQUEST;
      return union([new Set<Origin>([variable]), ...valuesOf(variable).map((value) => of(value, depth + 1))]);
    }
    if (definition?.type !== 'Variable') return NOTHING;
    if (isTakenFromRequest(definition.node)) return REQUEST;
    return union([...valuesOf(variable), ...iterated(definition.node)].map((value) => of(value, depth + 1)));
  };

  const of = (node: Node, depth: number): ReadonlySet<Origin> => {
    const at = unwrap(node);
    if (depth > MAX_DEPTH) return NOTHING;
    if (at.type === 'Identifier') {
      const variable = code.variableOf(at);
      return variable ? ofVariable(variable, depth) : NOTHING;
    }
    if (isSource(at)) return REQUEST;
    return union(partsOf(at).map((part) => of(part, depth + 1)));
  };
  return (node) => of(node, 0);
}

function union(sets: readonly ReadonlySet<Origin>[]): ReadonlySet<Origin> {
  const filled = sets.filter((set) => set.size > 0);
  if (filled.length <= 1) return filled[0] ?? NOTHING;
  return new Set(filled.flatMap((set) => [...set]));
}

/** Whether an expression is the request's own text: `req.query.id`. */
function isSource(node: Node): boolean {
  if (node.type === 'MemberExpression') return REQUEST_PARTS.test(dottedName(node));
  if (node.type !== 'CallExpression') return false;
  if (READERS.test(dottedName(node.callee))) return true;
  const [first] = node.arguments;
  return (
    first?.type === 'Identifier' &&
    NAMES_OF_REQUESTS.test(first.name) &&
    READS_A_REQUEST.test(lastName(node.callee))
  );
}

/** The parts of an expression whose text is in its value. */
function partsOf(node: Node): Node[] {
  switch (node.type) {
    case 'MemberExpression':
      return TELLS_ABOUT.test(lastName(node)) ? [] : [node.object];
    case 'TemplateLiteral':
      return node.expressions;
    case 'TaggedTemplateExpression':
      return /raw$/.test(lastName(node.tag)) ? node.quasi.expressions : [];
    case 'BinaryExpression':
      return node.operator === '+' ? [node.left, node.right] : [];
    case 'LogicalExpression':
      return [node.left, node.right];
    case 'ConditionalExpression':
      return [node.consequent, node.alternate];
    case 'AssignmentExpression':
      return [node.right];
    case 'AwaitExpression':
    case 'SpreadElement':
      return [node.argument];
    case 'ArrayExpression':
      return node.elements.filter((one) => one !== null);
    case 'ObjectExpression':
      return node.properties.map((one) => (one.type === 'Property' ? one.value : one.argument) as Node);
    case 'CallExpression':
    case 'NewExpression':
      return partsOfCall(node);
    default:
      return [];
  }
}

function partsOfCall(node: ESTree.SimpleCallExpression | ESTree.NewExpression): Node[] {
  const callee = unwrap(node.callee);
  const name = lastName(callee);
  const carries = CARRIES_ARGUMENTS.test(name) || dottedName(callee) === 'JSON.parse';
  const object = callee.type === 'MemberExpression' ? [callee.object as Node] : [];
  if (/valid|saniti[sz]e|escape|clean|quote|basename|slug|encode|hash|whitelist|allow/i.test(name)) return [];
  if (name === 'parse' && !carries) return [];
  if (TELLS_ABOUT.test(name)) return [];
  return carries ? [...object, ...node.arguments] : strips(node) ? [] : object;
}

/** `name.replace(/[^a-z]/g, '')` leaves nothing that could do harm. */
function strips(node: ESTree.SimpleCallExpression | ESTree.NewExpression): boolean {
  const [pattern] = node.arguments;
  if (!/^replace(All)?$/.test(lastName(node.callee)) || pattern?.type !== 'Literal') return false;
  return 'regex' in pattern && pattern.regex.pattern.includes('[^') && pattern.regex.flags.includes('g');
}

/** `for (const x of xs)`: the items of what is gone through. */
function iterated(declarator: ESTree.VariableDeclarator): Node[] {
  const loop = parentOf(parentOf(declarator) ?? declarator);
  return loop?.type === 'ForOfStatement' && loop.left === parentOf(declarator) ? [loop.right] : [];
}

/** `const { query } = req`. */
function isTakenFromRequest({ id, init }: ESTree.VariableDeclarator): boolean {
  if (id.type !== 'ObjectPattern' || !init) return false;
  return NAMES_OF_REQUESTS.test(dottedName(init)) && id.properties.some(isPart);
}

/** `({ params, query }, res) => …`. */
function isPartOfRequest(variable: Variable): boolean {
  const { function_node, index } = parameterOf(variable) ?? {};
  const pattern = function_node?.params[index ?? -1];
  if (index !== 0 || pattern?.type !== 'ObjectPattern') return false;
  const second = function_node?.params[1];
  const answers = second?.type === 'Identifier' && /^(res|response|reply)$/.test(second.name);
  return answers && pattern.properties.some(isPart);
}

function isPart(property: ESTree.AssignmentProperty | ESTree.RestElement): boolean {
  return property.type === 'Property' && PART_NAMES.test(lastName(property.key));
}
