import { tokensOf } from './draft.ts';
import { form, matchForm } from './form.ts';
import { stepNamed, type Instruction } from './instruction.ts';
import { readText, readValue } from './values.ts';

const SET_PARAM = [
  form('(?:set|change) (?:the )?param(?:eter)? <name> to <value>'),
  form(
    '(?:add|create) (?:a |the )?param(?:eter)? <name> (?:with (?:the )?(?:value|default) |with |set to |of |= ?)<value>',
  ),
];
const DROP_PARAM = form('(?:remove|delete|drop) (?:the )?param(?:eter)? <name>');

export const params: Instruction = {
  how: ['set param threshold to 0.9', 'remove param threshold'],
  follow(clause, { draft }) {
    const gone = matchForm(clause, DROP_PARAM);
    const found = gone ?? matchForm(clause, ...SET_PARAM);
    if (!found) return undefined;
    const name = found['name']!;
    if (gone) draft.drop(['params', name]);
    else draft.set(['params', name], readValue(found['value']!));
    return { said: gone ? `removed the param “${name}”` : `the param “${name}” is ${found['value']}` };
  },
};

const DESCRIBE = [
  form('(?:set|change) (?:the )?description(?: of the workflow)? (?:to|as) <value>'),
  form('describe (?:it|this|the workflow) as <value>'),
];

export const description: Instruction = {
  how: ['set the description to "Checks invoices"'],
  follow(clause, { draft }) {
    const found = matchForm(clause, ...DESCRIBE);
    if (!found) return undefined;
    draft.set(['description'], readText(found['value']!));
    return { said: 'set the description' };
  },
};

const OUTPUT = form('(?:set|change) (?:the )?output(?: of the workflow)? to <value>');
const NO_OUTPUT = form('(?:remove|delete|drop) (?:the )?output(?: of the workflow)?');

export const output: Instruction = {
  how: ['set the output to ${{ steps.score.output }}'],
  follow(clause, { draft }) {
    if (matchForm(clause, NO_OUTPUT)) {
      draft.drop(['output']);
      return { said: 'the output is that of the last steps' };
    }
    const found = matchForm(clause, OUTPUT);
    if (!found) return undefined;
    draft.set(['output'], readValue(found['value']!));
    return { said: 'set the output' };
  },
};

const SET = form('(?:set|change|replace) <pointer> (?:to|with|=) <value>');
const APPEND = form('(?:append|add) <value> to <pointer>');
const DROP = form('(?:remove|delete|drop) <pointer>');

export const pointers: Instruction = {
  how: [
    'set /nodes/fetch/config/url to "https://example.com"',
    'append "finance" to /nodes/review/config/roles',
    'remove /rate_limit',
  ],
  follow(clause, { draft }) {
    const found = matchForm(clause, SET);
    const more = matchForm(clause, APPEND);
    const gone = matchForm(clause, DROP);
    const { pointer } = found ?? more ?? gone ?? {};
    if (pointer === undefined) return undefined;
    const tokens = tokensOf(pointer);
    if (found) draft.set(tokens, readValue(found['value']!));
    else if (more) draft.append(tokens, readValue(more['value']!));
    else draft.drop(tokens);
    return { said: found ? `set ${pointer}` : more ? `added to ${pointer}` : `removed ${pointer}` };
  },
};

/** What belongs to a step itself; everything else is a member of its `config`. */
const OF_NODE: ReadonlySet<string> = new Set([
  'type',
  'needs',
  'if',
  'retry',
  'timeout_seconds',
  'continue_on_error',
  'compensate',
]);
const FIELD = form('(?:set|change) (?:the )?<name> of <id> to <value>');

export const fields: Instruction = {
  how: ['set url of fetch to https://example.com/rates'],
  follow(clause, editing) {
    const found = matchForm(clause, FIELD);
    if (!found) return undefined;
    const name = found['name']!;
    const step = stepNamed(found['id']!, editing);
    editing.steps.require(step);
    const at = OF_NODE.has(name) ? ['nodes', step, name] : ['nodes', step, 'config', name];
    editing.draft.set(at, readValue(found['value']!));
    return { said: `set “${name}” of “${step}”`, step };
  },
};

const WRITE = form(
  '(?:write|create|add|set|replace) (?:the |a )?file <path> (?:with|to|as|containing) ?<value>',
);
const DELETE = form('(?:remove|delete|drop) (?:the )?file <path>');

export const files: Instruction = {
  how: ['write file spec/plan.md with "# Plan"', 'remove file spec/plan.md'],
  follow(clause, { draft }) {
    const gone = matchForm(clause, DELETE);
    const found = gone ?? matchForm(clause, WRITE);
    if (!found) return undefined;
    const path = found['path']!.replace(/^["'`](.*)["'`]$/, '$1');
    draft.write(path, gone ? null : String(readText(found['value']!)));
    return { said: gone ? `removed the file “${path}”` : `wrote the file “${path}”` };
  },
};
