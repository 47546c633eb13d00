import { createHash } from 'node:crypto';
import type { ShingleFact } from '../../contract/findings.ts';
import type { CodeModule } from './module.ts';

/** Copies of fewer tokens than this are passed over. */
const SHINGLE_TOKENS = 50;
const MAX_TOKENS = 60_000;

interface Token {
  start: number;
  text: string;
  line: number;
  end_line: number;
}

/**
 * The runs of tokens that begin where a statement does. Names of variables and written values count as equal, so that a copy with its
 * variables renamed is still one; names of functions, of members and of other modules do not.
 */
export function shinglesOf(code: CodeModule): ShingleFact[] {
  const tokens = normalisedTokens(code).slice(0, MAX_TOKENS);
  const starts = statementStarts(code);
  return tokens.flatMap((token, at) => {
    const last = tokens[at + SHINGLE_TOKENS - 1];
    if (!last || !starts.has(token.start)) return [];
    return [{ hash: hashOf(tokens, at), at, line: token.line, end_line: last.end_line }];
  });
}

function statementStarts(code: CodeModule): Set<number> {
  const statements = code.nodes.filter(
    ({ type }) => /(Statement|Declaration|MethodDefinition)$/.test(type) && type !== 'BlockStatement',
  );
  return new Set(statements.map(({ range }) => range?.[0] ?? -1));
}

function hashOf(tokens: readonly Token[], at: number): string {
  const text = tokens
    .slice(at, at + SHINGLE_TOKENS)
    .map((token) => token.text)
    .join(' ');
  return createHash('md5').update(text).digest('base64url').slice(0, 12);
}

function normalisedTokens(code: CodeModule): Token[] {
  const imports = code.nodes.filter((node) => node.type === 'ImportDeclaration');
  const local = localNames(code);
  let next = 0;
  const isOutside = (start: number): boolean => {
    while ((imports[next]?.range?.[1] ?? Infinity) <= start) next++;
    return start < (imports[next]?.range?.[0] ?? Infinity);
  };
  return code.source.ast.tokens
    .filter((token) => isOutside(token.range[0]))
    .map((token) => ({
      start: token.range[0],
      text: local.has(token.range[0]) ? 'I' : normalised(token),
      line: token.loc.start.line,
      end_line: token.loc.end.line,
    }));
}

function normalised({ type, value }: { type: string; value: string }): string {
  return /^(Numeric|String|RegularExpression)$/.test(type) ? 'L' : value;
}

/** Where names of variables stand that are declared in a function. */
function localNames(code: CodeModule): Set<number> {
  const starts = new Set<number>();
  for (const node of code.nodes) {
    if (node.type !== 'Identifier') continue;
    const variable = code.variableOf(node);
    const is_plain = /^(Variable|Parameter)$/.test(variable?.defs[0]?.type ?? '');
    if (is_plain && variable?.scope.block.type !== 'Program') starts.add(node.range?.[0] ?? -1);
  }
  return starts;
}
