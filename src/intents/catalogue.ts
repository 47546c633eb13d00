import type { CatalogueWorkflow, IntentCatalogue } from '../contract/intent.ts';
import { bm25 } from './bm25.ts';
import { termsOf } from './stem.ts';

/** Which workflow of the project a text means. */
export type WorkflowMatch = Named | { kind: 'several'; names: string[] } | { kind: 'none' };

interface Named {
  kind: 'one';
  name: string;
  confidence: number;
  /** What its name, description and examples are about, and how many of these the text has. */
  terms: readonly string[];
  shared: number;
}

export interface WorkflowIndex {
  find(text: string): WorkflowMatch;
  /** Stems of the words that workflows are named by, so that a verb among them begins a clause. */
  verbs: ReadonlySet<string>;
}

interface Entry {
  workflow: CatalogueWorkflow;
  name_terms: string[];
}

/** A term of the name counts as often as it would in a text about nothing else. */
const NAME_WEIGHT = 3;
/** A second one this near to the best is as good as it. */
const NEAR = 0.8;
const MAX_NAMED = 5;

/** Finds workflows by BM25 over their names, descriptions and examples. */
export function workflowIndex({ workflows }: IntentCatalogue): WorkflowIndex {
  const entries = workflows.map((workflow): Entry => ({ workflow, name_terms: termsOf(workflow.name) }));
  const rank = bm25(
    entries.map((item) => ({
      item,
      terms: [
        ...Array.from({ length: NAME_WEIGHT }, () => item.name_terms).flat(),
        ...describing(item.workflow),
      ],
    })),
  );
  return {
    verbs: new Set(entries.flatMap(({ name_terms }) => name_terms.slice(0, 1))),
    find(text) {
      const exact = entries.filter(({ workflow }) => holdsName(text, workflow.name));
      const terms = termsOf(text);
      if (exact.length === 1) return matchOf(exact[0]!, 0.98, terms);
      const ranked = rank(terms)
        .map(({ item, score }) => ({ item, score: score * (1 + coverage(item, terms)) }))
        .sort((a, b) => b.score - a.score);
      return judge(ranked, terms);
    },
  };
}

function judge(ranked: readonly { item: Entry; score: number }[], terms: readonly string[]): WorkflowMatch {
  const [best] = ranked;
  if (!best) return { kind: 'none' };
  const near = ranked.filter(({ score }) => score >= NEAR * best.score);
  if (near.length > 1)
    return { kind: 'several', names: near.slice(0, MAX_NAMED).map(({ item }) => item.workflow.name) };
  const covered = coverage(best.item, terms);
  // One word in a description is what any two texts may share.
  const match = matchOf(best.item, 0.75 + 0.2 * covered, terms);
  return covered === 0 && match.shared < 2 ? { kind: 'none' } : match;
}

function matchOf({ workflow, name_terms }: Entry, confidence: number, asked: readonly string[]): Named {
  const terms = [...new Set([...name_terms, ...describing(workflow)])];
  const shared = terms.filter((term) => asked.includes(term)).length;
  return { kind: 'one', name: workflow.name, confidence, terms, shared };
}

/** The part of the name's terms that a text has. */
function coverage({ name_terms }: Entry, terms: readonly string[]): number {
  return name_terms.filter((term) => terms.includes(term)).length / Math.max(1, name_terms.length);
}

function describing({ description = '', examples = [] }: CatalogueWorkflow): string[] {
  return termsOf([description, ...examples].join(' '));
}

function holdsName(text: string, name: string): boolean {
  const at = text.toLowerCase().indexOf(name.toLowerCase());
  if (at < 0 || !/[-_/.]/.test(name)) return false;
  return (
    !/[\p{L}\p{N}_/-]/u.test(text[at - 1] ?? ' ') && !/[\p{L}\p{N}_/-]/u.test(text[at + name.length] ?? ' ')
  );
}
