import { readWanted, type Wanted } from './add-words.ts';
import { freeId } from './approval-step.ts';
import type { Editing, Instruction } from './instruction.ts';
import { nodeOf } from './new-node.ts';
import { putStep, type Place } from './place.ts';
import { Unclear } from './unclear.ts';

export const adding: Instruction = {
  how: [
    'add a step rates after fetch that gets https://example.com/rates',
    'add a step pause of type wait before score for 10 minutes',
    'add a step total between fetch and score of type transform with config {"value": 1}',
    'add a step notify after score in parallel that posts {"done": true} to https://example.com/hook',
  ],
  follow(clause, editing) {
    const wanted = readWanted(clause, editing);
    if (!wanted) return undefined;
    const { id: suggested, type, node } = nodeOf(wanted, editing);
    const { draft, steps } = editing;
    if (wanted.id !== undefined) steps.requireNew(wanted.id);
    const step = wanted.id ?? freeId(suggested, steps.has);
    const place = placeOf(wanted, editing, step);
    draft.set(['nodes', step], node);
    const where = putStep(step, place, editing, wanted.aside);
    return { said: `added the step “${step}” (${type}) ${where}`, step };
  },
};

function placeOf({ place, aside }: Wanted, { steps }: Editing, id: string): Place {
  if (place) return place;
  if (aside || steps.ids().length === 0) return { kind: 'alone' };
  throw new Unclear(
    `Where does “${id}” come: after, before or between which steps, or at the start, at the end, in parallel?`,
  );
}
