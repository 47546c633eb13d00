import { NODE_TYPES, type NodeType } from '../contract/definition.ts';
import type { Json, JsonObject } from '../contract/json.ts';
import { isTemplated } from '../language/config.ts';
import { isObject } from './draft.ts';
import { form, matchForm } from './form.ts';
import { stepNamed, type Editing, type Instruction } from './instruction.ts';
import { renameInText } from './rename-in-text.ts';

const RENAME = form('rename <id> (?:to|as|into) <other>');

export const renaming: Instruction = {
  how: ['rename fetch to load'],
  follow(clause, editing) {
    const found = matchForm(clause, RENAME);
    if (!found) return undefined;
    const { draft, steps } = editing;
    const [from, to] = [stepNamed(found['id']!, editing), found['other']!];
    steps.require(from);
    if (from !== to) {
      steps.requireNew(to);
      draft.move(['nodes', from], ['nodes', to]);
      steps.replaceNeed(from, [to]);
      for (const id of steps.ids()) renameInNode(['nodes', id], { editing, from, to });
      renameAt(['output'], { editing, from, to });
    }
    return { said: `“${from}” is now “${to}”`, step: to };
  },
};

interface Renaming {
  editing: Editing;
  from: string;
  to: string;
}

/** A node of the graph, or one that another one holds. */
function renameInNode(at: readonly string[], renaming: Renaming): void {
  const node = renaming.editing.draft.get(at);
  if (!isObject(node)) return;
  renameAt([...at, 'if'], renaming);
  const config = node['config'];
  const type = NODE_TYPES.find((each) => each === node['type']);
  if (isObject(config) && type) renameInConfig(at, { type, config }, renaming);
  if (isObject(node['compensate'])) renameInNode([...at, 'compensate'], renaming);
}

function renameInConfig(
  at: readonly string[],
  { type, config }: { type: NodeType; config: JsonObject },
  renaming: Renaming,
): void {
  for (const member of Object.keys(config))
    if (isTemplated(type, member)) renameAt([...at, 'config', member], renaming);
  if (type === 'map') renameInNode([...at, 'config', 'node'], renaming);
}

/** Every text below a place. */
function renameAt(at: readonly string[], renaming: Renaming): void {
  const { editing, from, to } = renaming;
  const value: Json | undefined = editing.draft.get(at);
  if (typeof value === 'string') {
    const renamed = renameInText(value, from, to);
    if (renamed !== value) editing.draft.set(at, renamed);
  } else if (typeof value === 'object' && value !== null)
    for (const key of Object.keys(value)) renameAt([...at, key], renaming);
}
