import type { IntentAnalysis, IntentPlan } from '../../src/contract/intent.ts';
import type { Json } from '../../src/contract/json.ts';
import { analyseIntent } from '../../src/intents/analyse.ts';
import { planIntent } from '../../src/intents/plan.ts';
import type { WorkedIntent } from '../fixtures/intents.ts';
import { CATALOGUE, shapeOf } from './shape.ts';

export const ASPECTS = ['shape', 'entities', 'risks', 'asks'] as const;
export type Aspect = (typeof ASPECTS)[number];

/** What the engine made of an intent; an aspect that the intent expects nothing of is absent. */
export interface Judged {
  worked: WorkedIntent;
  analysis: IntentAnalysis;
  plan: IntentPlan;
  hits: Partial<Record<Aspect, boolean>>;
  found: string;
}

/** Risks and questions must be exactly those expected; entities may be more. */
export function judge(worked: WorkedIntent): Judged {
  const request = { intent: worked.intent, catalogue: CATALOGUE };
  const analysis = analyseIntent(request);
  const plan = planIntent(request, analysis);
  const shape = 'definition' in plan ? shapeOf(plan.definition) : 'none';
  const asked = namesOf(analysis.questions.map(({ about }) => about));
  const { entities } = worked;
  const hits: Judged['hits'] = {
    shape: shape === (worked.shape ?? 'none'),
    asks: asked === namesOf(worked.asks ?? []),
    risks: namesOf(analysis.risks.map(({ kind }) => kind)) === namesOf(worked.risks ?? []),
    ...(entities
      ? { entities: Object.entries(entities).every(([name, value]) => finds(analysis, name, value)) }
      : {}),
  };
  return { worked, analysis, plan, hits, found: 'definition' in plan ? shape : `asks ${asked}` };
}

function namesOf(names: readonly string[]): string {
  return [...new Set(names)].sort().join(', ');
}

/** As an entity, or as a parameter of a step. */
function finds({ entities, parameters }: IntentAnalysis, name: string, value: Json): boolean {
  const found = [entities, ...Object.values(parameters)].flatMap((each) =>
    Object.hasOwn(each, name) ? [each[name]] : [],
  );
  return found.some((each) => JSON.stringify(each) === JSON.stringify(value));
}

/** The part of those intents that expect something of an aspect in which it was right, 0..1. */
export function rateOf(judged: readonly Judged[], aspect: Aspect): number {
  const asked = judged.filter(({ hits }) => hits[aspect] !== undefined);
  return asked.filter(({ hits }) => hits[aspect]).length / asked.length;
}

/** One line for each intent, misses included, and the rates. */
export function tableOf(judged: readonly Judged[]): string {
  const lines = judged.map(({ worked, hits, found }, i) => {
    const missed = Object.entries(hits).flatMap(([aspect, hit]) => (hit ? [] : [aspect]));
    const text = worked.intent.replace(/\s+/g, ' ').slice(0, 60).padEnd(60);
    const note = missed.length === 0 ? '' : `  (missed: ${missed.join(', ')})`;
    return `${String(i + 1).padStart(2)} ${note === '' ? 'hit ' : 'MISS'} ${text}  ${found}${note}`;
  });
  const rates = ASPECTS.map((aspect) => `${aspect} ${(100 * rateOf(judged, aspect)).toFixed(0)} %`);
  return `\n${lines.join('\n')}\n${judged.length} intents: ${rates.join(', ')}\n`;
}
