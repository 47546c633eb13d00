import { isExponential } from '../regex/ambiguity.ts';
import { ownRule, type RuleHit } from '../rule-hit.ts';
import { lineHit, type ScriptLine } from '../text-rule.ts';

const N_PLUS_ONE = {
  rule: ownRule('performance', 'n-plus-one', 'warning', {
    cwe: 'CWE-1073',
    help: 'Ask once for all of them.',
  }),
  message: 'This is asked once for each item.',
};
const QUADRATIC = {
  rule: ownRule('performance', 'quadratic-search', 'warning', {
    cwe: 'CWE-407',
    help: 'Use a set, a dict or a deque.',
  }),
  message: 'The list is gone through, or moved, for each item.',
};
const BLOCKING = {
  rule: ownRule('performance', 'blocking-in-async', 'warning', { help: 'Use what can be awaited.' }),
  message: 'Everything else waits while this does.',
};
const BACKTRACKING = {
  rule: ownRule('performance', 'catastrophic-regex', 'error', {
    cwe: 'CWE-1333',
    help: 'Make the parts of the loop unable to take the same text.',
  }),
  message: 'A text that almost fits takes time that doubles with each character.',
};

const ASKS =
  /\b(cursor|cur|conn|connection|db|session|engine)\.(execute|query|get|scalar\w*)\(|\brequests\.(get|post|put|patch|delete)\(|\.objects\.(get|filter)\(|\burlopen\(/;
const BATCHES = /\b(batch|chunk|page|attempt|retry|retries)\w*\b/;

/** Loops that ask, search and wait too often, by indentation. */
export function pythonPerformance(lines: readonly ScriptLine[]): RuleHit[] {
  const lists = listsOf(lines);
  const outer = outerLines(lines);
  return lines.flatMap((line) => {
    const loop = loopAround(outer, line);
    const hits: RuleHit[] = [];
    if (loop && ASKS.test(line.text) && usesItem(line.text, loop)) hits.push(lineHit(N_PLUS_ONE, line));
    if (loop && isQuadratic(line, lists)) hits.push(lineHit(QUADRATIC, line));
    if (isInAsync(outer, line) && /\btime\.sleep\(|\brequests\.\w+\(/.test(line.text))
      hits.push(lineHit(BLOCKING, line));
    const [, , pattern] =
      /\bre\.(?:compile|match|search|fullmatch|sub|findall|split)\(\s*r?(["'])((?:[^"'\\\n]|\\.)*)\1/.exec(
        line.text,
      ) ?? [];
    if (pattern !== undefined && isExponential(pattern)) hits.push(lineHit(BACKTRACKING, line));
    return hits;
  });
}

type Outer = ReadonlyMap<ScriptLine, ScriptLine>;

/** Of each line the one that its block belongs to. */
function outerLines(lines: readonly ScriptLine[]): Outer {
  const outer = new Map<ScriptLine, ScriptLine>();
  const open: ScriptLine[] = [];
  for (const line of lines) {
    while (open.length > 0 && (open.at(-1)?.indent ?? 0) >= line.indent) open.pop();
    const around = open.at(-1);
    if (around) outer.set(line, around);
    open.push(line);
  }
  return outer;
}

function loopAround(outer: Outer, inner: ScriptLine): ScriptLine | undefined {
  for (let line = outer.get(inner); line; line = outer.get(line)) {
    if (/^\s*(async\s+)?def\s/.test(line.text)) return undefined;
    if (/^\s*for\s.*\sin\s/.test(line.text))
      return BATCHES.test(line.text) || /\brange\(/.test(line.text) ? undefined : line;
  }
  return undefined;
}

function usesItem(text: string, loop: ScriptLine): boolean {
  const [, names = ''] = /^\s*for\s+([\w\s,()]+?)\s+in\s/.exec(loop.text) ?? [];
  const used = names.split(/\W+/).filter((name) => name !== '');
  return used.some((name) => new RegExp(`\\b${name}\\b`).test(text));
}

function listsOf(lines: readonly ScriptLine[]): Set<string> {
  const names = lines.flatMap(
    ({ text }) => /^\s*(\w+)\s*(?::[^=\n]+)?=\s*(\[\s*\]|list\()/.exec(text)?.[1] ?? [],
  );
  return new Set(names);
}

function isQuadratic({ text }: ScriptLine, lists: ReadonlySet<string>): boolean {
  if (/\.pop\(0\)|\.insert\(0,/.test(text)) return true;
  const [, copied] = /^\s*(\w+)\s*=\s*\1\s*\+\s*\[/.exec(text) ?? [];
  if (copied !== undefined) return true;
  const [, searched] = /\bif\b.*\b(?:not\s+)?in\s+(\w+)\s*(?::|and\b|or\b|$)/.exec(text) ?? [];
  return searched !== undefined && lists.has(searched);
}

function isInAsync(outer: Outer, inner: ScriptLine): boolean {
  for (let line = outer.get(inner); line; line = outer.get(line))
    if (/^\s*(async\s+)?def\s/.test(line.text)) return /^\s*async\s/.test(line.text);
  return false;
}
