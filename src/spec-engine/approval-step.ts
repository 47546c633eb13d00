import type { JsonObject } from '../contract/json.ts';
import { form, idsOf, matchForm } from './form.ts';
import { quoted, stepNamed, type Instruction } from './instruction.ts';
import { putStep } from './place.ts';
import { readText } from './values.ts';
import { literal } from '../intents/literal.ts';

const ASKING = '(?:,? (?:asking|with (?:the )?(?:prompt|question)|saying) <value>)?';
const PAUSE = [
  form(
    `(?:pause|stop|hold|wait)(?: and wait)? for (?:an? )?approval before (?<ids>[\\w ,-]+?)(?: by (?:the )?(?:role )?(?<role>[\\w.-]+))?${ASKING}`,
  ),
  form(
    `(?:require|request|ask for|get|add|insert) (?:an? )?approval(?: step)? before (?<ids>[\\w ,-]+?)(?: by (?:the )?(?:role )?(?<role>[\\w.-]+))?${ASKING}`,
  ),
];

export const approvals: Instruction = {
  how: [
    'pause for approval before deploy',
    'require approval before deploy by maintainer asking "Deploy it?"',
  ],
  follow(clause, editing) {
    const found = matchForm(clause, ...PAUSE);
    if (!found) return undefined;
    const { draft, steps } = editing;
    const ids = idsOf(found['ids']!).map((id) => stepNamed(id, editing));
    for (const id of ids) steps.require(id);
    const step = freeId(`approve_${ids[0]}`, steps.has);
    const prompt = found['value'] === undefined ? `May ${quoted(ids)} run?` : readText(found['value']);
    const config: JsonObject = {
      prompt: literal(prompt),
      ...(found['role'] === undefined ? {} : { roles: [found['role']] }),
    };
    draft.set(['nodes', step], { type: 'approval', config });
    return { said: `added the approval “${step}” ${putStep(step, { kind: 'before', ids }, editing)}`, step };
  },
};

/** A name that no step has yet. */
export function freeId(wanted: string, has: (id: string) => boolean): string {
  const base = wanted.slice(0, 60);
  let id = base;
  for (let count = 2; has(id); count++) id = `${base}_${count}`;
  return id;
}
