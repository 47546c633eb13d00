import { NODE_TYPES, type NodeType } from '../contract/definition.ts';
import type { JsonObject } from '../contract/json.ts';
import type { RefineContext } from '../contract/spec-engine.ts';
import { CODE_LANGUAGES } from '../contract/sandbox.ts';
import { analyseIntent } from '../intents/analyse.ts';
import { literal } from '../intents/literal.ts';
import { planIntent } from '../intents/plan.ts';
import type { Wanted } from './add-words.ts';
import { isObject } from './draft.ts';
import type { Editing } from './instruction.ts';
import { Unclear } from './unclear.ts';
import { readFenced, readText, readValue, short } from './values.ts';

interface NewNode {
  /** What it could be called. */
  id: string;
  type: NodeType;
  node: JsonObject;
}

/** Built-in workflows that a step may run. */
const TYPES = ['code_execution', 'code_analysis', 'code_review', 'deployment'];
/** The verb that a type goes without saying. */
const VERBS: Partial<Record<NodeType, string>> = {
  wait: 'wait',
  http: 'call',
  run: 'run',
  approval: 'get approval',
};

/** The node that is wanted. Throws `Unclear` where it does not become clear what it is to do. */
export function nodeOf(wanted: Wanted, { context }: Editing): NewNode {
  const made = configured(wanted) ?? programmed(wanted) ?? spelledOut(wanted) ?? understood(wanted, context);
  const { type } = made;
  const allowed: readonly string[] = context.node_types ?? NODE_TYPES;
  if (!allowed.includes(type)) throw new Unclear(`A step here cannot be of type “${type}”.`);
  if (wanted.type !== undefined && wanted.type !== type)
    throw new Unclear(`What the step is to do is of type “${type}”, not “${wanted.type}”.`);
  return made;
}

function configured({ type, config, doing }: Wanted): NewNode | undefined {
  if (config === undefined) return undefined;
  if (type === undefined) throw new Unclear('Of which type is the step that has this config?');
  if (doing)
    throw new Unclear('The config says what the step is to do: say it there, or in words, not both.');
  const value = readValue(config);
  if (!isObject(value)) throw new Unclear('A config is a JSON object.');
  return { id: type, type, node: { type, config: value } };
}

/** A step that is a program: its code stands between fences. */
function programmed({ type, doing }: Wanted): NewNode | undefined {
  const fence = /```[^]*```/.exec(doing?.raw ?? '');
  if (!doing || !fence || (type ?? 'code') !== 'code') return undefined;
  const { language, source } = readFenced(fence[0])!;
  const named =
    language ?? CODE_LANGUAGES.find((each) => new RegExp(`\\b${each}\\b`, 'i').test(doing.masked));
  if (named === undefined || !(CODE_LANGUAGES as readonly string[]).includes(named))
    throw new Unclear(`In which language is the code: ${CODE_LANGUAGES.join(', ')}?`);
  return {
    id: `execute_${named}`,
    type: 'code',
    node: { type: 'code', config: { language: named, source } },
  };
}

/** What takes one value: the question of an approval, the value of a transform. */
function spelledOut({ type, doing }: Wanted): NewNode | undefined {
  const text = doing?.raw ?? '';
  if (type === 'approval') {
    const [, asked] =
      /^(?:(?:which |that )?(?:asks|asking)|with (?:the )?(?:prompt|question)) (.+)$/is.exec(text) ?? [];
    if (doing && asked === undefined) return undefined;
    return {
      id: 'approve',
      type,
      node: { type, config: { prompt: literal(asked ? readText(asked) : 'May the run go on?') } },
    };
  }
  const [, value] = /^(?:with )?(?:the )?value (.+)$/is.exec(text) ?? [];
  if (type !== 'transform' || value === undefined) return undefined;
  return { id: 'value', type, node: { type, config: { value: readValue(value) } } };
}

function understood({ id, type, doing }: Wanted, context: RefineContext): NewNode {
  const name = id === undefined ? 'the new step' : `“${id}”`;
  if (!doing || doing.raw === '')
    throw new Unclear(`What is ${name} to do? Say it behind “that”, or give a type and a config as JSON.`);
  const verb = type === undefined ? undefined : VERBS[type];
  const planned =
    planOf(doing.raw, context) ?? (verb === undefined ? undefined : planOf(`${verb} ${doing.raw}`, context));
  if (planned) return planned;
  throw new Unclear(
    `What ${name} is to do is not clear: “${short(doing.raw)}”. ${questionOf(doing.raw, context)}`.trim(),
  );
}

function analysisOf(intent: string, { workflows = [], node_types }: RefineContext) {
  const request = {
    intent,
    catalogue: { workflows, types: TYPES, node_types: node_types ?? [...NODE_TYPES] },
  };
  return { request, analysis: analyseIntent(request) };
}

function questionOf(intent: string, context: RefineContext): string {
  return analysisOf(intent, context).analysis.questions[0]?.question ?? 'It has to be one thing.';
}

/** The one node that a text asks for; undefined when it asks for none, for several, or leaves a question. */
function planOf(intent: string, context: RefineContext): NewNode | undefined {
  const { request, analysis } = analysisOf(intent, context);
  const plan = planIntent(request, analysis);
  if (!('definition' in plan) || plan.definition.schedules) return undefined;
  const [first, ...more] = Object.entries(plan.definition.nodes);
  if (!first || more.length > 0) return undefined;
  const node = asCode(first[1] as unknown as JsonObject);
  const type = NODE_TYPES.find((each) => each === node['type']);
  return type && { id: first[0], type, node };
}

/** Code that is planned as a run of its own is a step of this one. */
function asCode(node: JsonObject): JsonObject {
  const { config } = node;
  if (node['type'] !== 'run' || !isObject(config) || config['type'] !== 'code_execution') return node;
  return { ...node, type: 'code', config: config['input']! };
}
