import { wholeExpression } from '../language/placeholders.ts';
import { rootsOf } from '../language/template.ts';
import { ExpressionError } from '../language/expression-error.ts';
import { form, idsOf, matchForm } from './form.ts';
import { quoted, stepNamed, type Editing, type Instruction } from './instruction.ts';
import { Unclear } from './unclear.ts';
import { readText } from './values.ts';

const AFTER = [
  form('(?:make|let|have) <id> (?:run|start|come|go|happen)(?: only)? (?:after|behind) <ids>'),
  form('(?:make|let|have) <id> (?:wait for|need|depend on) <ids>'),
  form('(?:run|start) <id>(?: only)? after <ids>'),
  form(
    '<id> (?:needs|depends on|runs after|waits for|must wait for|must run after|should wait for|should run after) <ids>',
  ),
];
const BEFORE = [
  form('(?:make|let|have) <id> (?:run|start|come|go|happen) before <ids>'),
  form('(?:run|start) <id> before <ids>'),
  form('<id> (?:runs|must run|should run) before <ids>'),
];
const NOT_AFTER = [
  form('<id> (?:no longer|does not|must not|should not) (?:needs?|waits? for|depends? on|runs? after) <ids>'),
  form('(?:make|let|have) <id> (?:no longer|not) (?:need|wait for|depend on|run after) <ids>'),
  form("(?:do not|don['’]t) (?:make|let|have) <id> (?:need|wait for|depend on|run after) <ids>"),
];

export const order: Instruction = {
  how: [
    'make score run after fetch',
    'make notify run after score and review',
    'run fetch before score',
    'score no longer needs fetch',
  ],
  follow(clause, editing) {
    const [after, before, not] = [
      matchForm(clause, ...AFTER),
      matchForm(clause, ...BEFORE),
      matchForm(clause, ...NOT_AFTER),
    ];
    const found = not ?? after ?? before;
    if (!found) return undefined;
    const { steps } = editing;
    const step = stepNamed(found['id']!, editing);
    const others = idsOf(found['ids']!).map((id) => stepNamed(id, editing));
    for (const id of [step, ...others]) steps.require(id);
    if (not) {
      forget(step, others, editing);
      return { said: `“${step}” no longer needs ${quoted(others)}`, step };
    }
    if (after) steps.setNeeds(step, [...steps.needs(step), ...others]);
    else for (const other of others) steps.setNeeds(other, [...steps.needs(other), step]);
    return { said: `“${step}” runs ${after ? 'after' : 'before'} ${quoted(others)}`, step };
  },
};

function forget(step: string, others: readonly string[], { steps }: Editing): void {
  const strange = others.filter((id) => !steps.needs(step).includes(id));
  if (strange.length > 0) throw new Unclear(`“${step}” does not need ${quoted(strange)} itself.`);
  steps.setNeeds(
    step,
    steps.needs(step).filter((id) => !others.includes(id)),
  );
}

const ONLY_IF = [
  form('(?:only )?run <id>(?: only)? (?:if|when) <value>'),
  form('make <id> (?:run|happen|start)(?: only)? (?:if|when) <value>'),
];
const UNLESS = [
  form("(?:skip|do not run|don['’]t run) <id> (?:if|when) <value>"),
  form('run <id> unless <value>'),
];
const SKIP_UNLESS = form('skip <id> unless <value>');
const ALWAYS = [form('always run <id>'), form('run <id> always'), form('make <id> always run')];
const NO_GUARD = form('(?:remove|delete|drop) (?:the )?(?:condition|guard) (?:of|for|from|on) <id>');

export const conditions: Instruction = {
  how: [
    'run review only if steps.score.output.value < 0.5',
    'skip review if input.trusted',
    'always run notify',
    'remove the condition of review',
  ],
  follow(clause, editing) {
    const none = matchForm(clause, NO_GUARD);
    const always = matchForm(clause, ...ALWAYS);
    const unless = matchForm(clause, ...UNLESS);
    const found = none ?? always ?? matchForm(clause, SKIP_UNLESS) ?? unless ?? matchForm(clause, ...ONLY_IF);
    if (!found) return undefined;
    const step = stepNamed(found['id']!, editing);
    editing.steps.require(step);
    const at = ['nodes', step, 'if'];
    if (none) {
      editing.draft.drop(at);
      return { said: `“${step}” has no condition`, step };
    }
    const given = always ? 'always()' : sourceOf(found['value']!);
    const source = unless ? `!(${given})` : given;
    editing.draft.set(at, `\${{ ${source} }}`);
    return { said: always ? `“${step}” always runs` : `“${step}” runs only if ${source}`, step };
  },
};

/** The CEL source that a condition was given as. Throws `Unclear` for what is none. */
function sourceOf(text: string): string {
  try {
    const bare = /^`[^`]*`$/.test(text.trim()) ? readText(text) : text.trim();
    const source = bare.includes('${{') ? wholeExpression(bare) : bare;
    if (source === undefined) throw new Unclear('A condition must be one expression.');
    rootsOf(source);
    return source;
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    throw new Unclear(
      `A condition must be a CEL expression, such as steps.fetch.output.status == 200: ${error.message}`,
    );
  }
}
