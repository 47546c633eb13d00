import { MAX_COMPLEXITY } from '../static/complexity.ts';
import { extensionOf, isTestPath } from '../source-language.ts';
import { NoAnswer, toolRule, type ExternalTool, type ToolHit } from './tool.ts';

/** JavaScript and TypeScript have a rule of our own. */
const ENDINGS = new Set(
  'c cc cpp cxx cs erl f90 go h hpp java kt kts lua m mm php pl py r rb rs scala sol swift zig'.split(' '),
);

const RULE = toolRule('lizard', 'complexity', {
  area: 'static',
  kind: 'complexity',
  severity: 'warning',
  help: 'Take parts out into functions of their own, or decide by a table.',
});

/**
 * Lines of code, ways, tokens, parameters, length; the same as a text; the file; names, which may hold anything but a double quote;
 * first and last line.
 */
const ROW =
  /\d{1,9},(\d{1,9}),\d{1,9},\d{1,9},\d{1,9},"[^"]*","(?:\.\/)?(f\d{1,9}\.\w{1,10})","[^"]*","[^"]*",(\d{1,9}),\d{1,9}\s*/y;
/** Comments that switch lizard off; in a text that is no comment these words change no count. */
const SWITCHES = /lizard forgive|GENERATED CODE/g;

/** Ways through a function: https://github.com/terryyin/lizard. It is told to write CSV. */
export const LIZARD: ExternalTool = {
  area: 'static',
  version: '1',
  endingFor: (path) => {
    const ending = extensionOf(path);
    return ENDINGS.has(ending) && !isTestPath(path) ? ending : undefined;
  },
  prepare: (text) => text.replace(SWITCHES, (words) => words.replace(' ', '_')),
  read: (output) => ({ hits: hitsIn(output), unread: [] }),
};

function hitsIn(output: string): ToolHit[] {
  const hits: ToolHit[] = [];
  const text = output.trimStart();
  ROW.lastIndex = 0;
  while (ROW.lastIndex < text.length) {
    const row = ROW.exec(text);
    if (!row) throw new NoAnswer('No row of a table.');
    hits.push(...hitOf(row));
  }
  return hits;
}

function hitOf([, ways, file = '', line]: readonly string[]): ToolHit[] {
  if (Number(ways) <= MAX_COMPLEXITY) return [];
  const message = `There are ${ways} ways through this function; ${MAX_COMPLEXITY} are enough.`;
  // The head of a function is what stays when its body changes.
  return [{ file, rule: RULE, message, line: Number(line), end_line: Number(line) }];
}
