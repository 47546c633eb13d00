import { form, idsOf, matchForm } from './form.ts';
import { quoted, stepNamed, type Instruction } from './instruction.ts';

const REMOVE = form('(?:remove|delete|drop|take out) <ids>');

export const removing: Instruction = {
  how: ['remove score', 'remove score and review'],
  follow(clause, editing) {
    const found = matchForm(clause, REMOVE);
    if (!found) return undefined;
    const { draft, steps } = editing;
    const ids = idsOf(found['ids']!).map((id) => stepNamed(id, editing));
    for (const id of ids) steps.require(id);
    for (const id of ids) {
      // Who waited for it waits for what it waited for.
      steps.replaceNeed(id, steps.needs(id), (dependent) => dependent !== id);
      draft.drop(['nodes', id]);
    }
    return { said: `removed ${quoted(ids)}` };
  },
};
