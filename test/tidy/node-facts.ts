/** Walks a syntax tree once and notes what the tidy rules ask about. */
import ts from 'typescript';

export interface ImportFact {
  specifier: string;
  line: number;
}

export interface FunctionFact {
  name: string;
  line: number;
  /** From its first line to its last, less the lines of functions inside it: a factory is as long as what it wires. */
  lines: number;
}

export interface NodeFacts {
  imports: ImportFact[];
  functions: FunctionFact[];
  env_reads: number[];
  hidden_imports: number[];
  default_exports: number[];
  star_exports: number[];
}

/** Types count as imports: a type-only import couples two layers just as well. */
export function nodeFacts(source: ts.SourceFile): NodeFacts {
  const facts: NodeFacts = {
    imports: [],
    functions: [],
    env_reads: [],
    hidden_imports: [],
    default_exports: [],
    star_exports: [],
  };
  const visit = (node: ts.Node): void => {
    noteImport(source, node, facts);
    noteExport(source, node, facts);
    if (isEnvRead(node)) facts.env_reads.push(lineOf(source, node));
    if (isFunctionWithBody(node)) facts.functions.push(functionFact(source, node));
    ts.forEachChild(node, visit);
  };
  visit(source);
  return facts;
}

function noteImport(source: ts.SourceFile, node: ts.Node, facts: NodeFacts): void {
  const target = importTarget(node);
  if (target === undefined) return;
  const line = lineOf(source, node);
  if (target && ts.isStringLiteralLike(target)) facts.imports.push({ specifier: target.text, line });
  else facts.hidden_imports.push(line);
}

/** The expression that names the imported module; null when a call has none; undefined when the node imports nothing. */
function importTarget(node: ts.Node): ts.Expression | null | undefined {
  if (ts.isImportDeclaration(node)) return node.moduleSpecifier;
  if (ts.isExportDeclaration(node)) return node.moduleSpecifier;
  if (ts.isExternalModuleReference(node)) return node.expression;
  if (ts.isImportTypeNode(node)) return ts.isLiteralTypeNode(node.argument) ? node.argument.literal : null;
  if (ts.isCallExpression(node) && isImportCall(node)) return node.arguments[0] ?? null;
  return undefined;
}

function isImportCall(node: ts.CallExpression): boolean {
  const callee = node.expression;
  return (
    callee.kind === ts.SyntaxKind.ImportKeyword || (ts.isIdentifier(callee) && callee.text === 'require')
  );
}

function noteExport(source: ts.SourceFile, node: ts.Node, facts: NodeFacts): void {
  if (isDefaultExport(node)) facts.default_exports.push(lineOf(source, node));
  if (
    ts.isExportDeclaration(node) &&
    node.moduleSpecifier &&
    !(node.exportClause && ts.isNamedExports(node.exportClause))
  ) {
    facts.star_exports.push(lineOf(source, node));
  }
}

function isDefaultExport(node: ts.Node): boolean {
  if (ts.isExportAssignment(node)) return true;
  if (ts.isExportSpecifier(node)) return node.name.text === 'default';
  return (
    ts.canHaveModifiers(node) &&
    (ts.getModifiers(node) ?? []).some((m) => m.kind === ts.SyntaxKind.DefaultKeyword)
  );
}

/** `process.env`, `process['env']`, `const { env } = process`, `import { env } from 'node:process'`. */
function isEnvRead(node: ts.Node): boolean {
  if (ts.isPropertyAccessExpression(node)) return node.name.text === 'env' && isProcess(node.expression);
  if (ts.isElementAccessExpression(node)) {
    const key = node.argumentExpression;
    return ts.isStringLiteralLike(key) && key.text === 'env' && isProcess(node.expression);
  }
  if (ts.isVariableDeclaration(node) && ts.isObjectBindingPattern(node.name)) {
    return node.initializer !== undefined && isProcess(node.initializer) && bindsEnv(node.name);
  }
  return ts.isImportDeclaration(node) && importsEnv(node);
}

function bindsEnv(pattern: ts.ObjectBindingPattern): boolean {
  return pattern.elements.some((element) => (element.propertyName ?? element.name).getText() === 'env');
}

function isProcess(node: ts.Expression): boolean {
  return (
    (ts.isIdentifier(node) && node.text === 'process') ||
    (ts.isPropertyAccessExpression(node) && node.name.text === 'process')
  );
}

function importsEnv(node: ts.ImportDeclaration): boolean {
  const bindings = node.importClause?.namedBindings;
  if (!/^['"](node:)?process['"]$/.test(node.moduleSpecifier.getText())) return false;
  return bindings !== undefined && ts.isNamedImports(bindings)
    ? bindings.elements.some((element) => (element.propertyName ?? element.name).text === 'env')
    : false;
}

type FunctionWithBody = ts.FunctionLikeDeclaration & { body: ts.ConciseBody };

function isFunctionWithBody(node: ts.Node): node is FunctionWithBody {
  return ts.isFunctionLike(node) && 'body' in node && node.body !== undefined;
}

function functionFact(source: ts.SourceFile, node: FunctionWithBody): FunctionFact {
  const line = lineOf(source, node);
  return { name: functionName(node), line, lines: span(source, node) - nestedLines(source, node.body) };
}

function span(source: ts.SourceFile, node: ts.Node): number {
  return source.getLineAndCharacterOfPosition(node.end).line + 2 - lineOf(source, node);
}

/** Lines that belong to functions inside; of each its first line stays with the outer one. */
function nestedLines(source: ts.SourceFile, node: ts.Node): number {
  let lines = 0;
  ts.forEachChild(node, (child) => {
    lines += isFunctionWithBody(child) ? span(source, child) - 1 : nestedLines(source, child);
  });
  return lines;
}

function functionName(node: FunctionWithBody): string {
  if (node.name) return node.name.getText();
  const parent = node.parent;
  return ts.isVariableDeclaration(parent) || ts.isPropertyAssignment(parent)
    ? parent.name.getText()
    : '(anonymous)';
}

function lineOf(source: ts.SourceFile, node: ts.Node): number {
  return source.getLineAndCharacterOfPosition(node.getStart(source)).line + 1;
}
