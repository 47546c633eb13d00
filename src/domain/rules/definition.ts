import { DEFINITION_LIMITS } from '../../contract/definition.ts';
import type { Problem } from '../../contract/errors.ts';
import { checkEnvelope } from './definition-envelope.ts';
import { checkExpressions } from './definition-expressions.ts';
import { checkGraph, needsOf } from './definition-graph.ts';
import { checkLimits } from './definition-limits.ts';
import { checkNode, checkNodeId } from './definition-nodes.ts';
import { createReport, isRecord } from './definition-shape.ts';
import type { Site } from './definition-shape.ts';

/**
 * Every problem of a definition document at once, each with an RFC 6901 pointer; empty = valid. The document is not
 * changed: no defaults are filled in (contract §2, "Identity"). Never throws, whatever it is given.
 * A document above the limits of size or depth is not looked at further; more than 500 problems are counted only.
 */
export function validateDefinition(document: unknown): Problem[] {
  const limits = checkLimits(document);
  if (!limits.walkable) return limits.problems;
  const report = createReport();
  checkEnvelope(document, report.root);
  if (isRecord(document)) checkBehaviour(document, report.root);
  return [...limits.problems, ...report.problems()];
}

/** How many nodes a valid definition has. */
export function countNodes(document: { nodes: object }): number {
  return Object.keys(document.nodes).length;
}

/** How many `needs` a valid definition has, each counted once. */
export function countEdges(document: { nodes: object }): number {
  return [...needsOf(document.nodes as Record<string, unknown>).values()].reduce(
    (edges, needs) => edges + new Set(needs).size,
    0,
  );
}

function checkBehaviour(document: Record<string, unknown>, root: Site): void {
  const nodes: unknown = document['nodes'];
  const ids = new Set(isRecord(nodes) ? Object.keys(nodes) : []);
  if (isRecord(nodes)) checkNodes(nodes, ids, document['files'], root.at('nodes'));
  const everywhere = { nodes: ids, item: false, secrets: false, always: false };
  checkExpressions(document['output'], root.at('output'), { ...everywhere, place: 'the output' });
  for (const field of ['concurrency', 'rate_limit', 'start_policy']) {
    checkExpressions(document[field], root.at(field), { ...everywhere, place: field, beforeRun: true });
  }
}

function checkNodes(
  nodes: Record<string, unknown>,
  ids: ReadonlySet<string>,
  files: unknown,
  site: Site,
): void {
  if (ids.size > DEFINITION_LIMITS.nodes) {
    return site.report(`has ${ids.size} nodes, the limit is ${DEFINITION_LIMITS.nodes}`);
  }
  const ancestors = checkGraph(nodes, site);
  const names = new Set(isRecord(files) ? Object.keys(files) : []);
  for (const [id, node] of Object.entries(nodes)) {
    checkNodeId(id, site.at(id));
    // Behind a cycle every step counts as an ancestor: the cycle is the one problem to name.
    checkNode(id, node, site.at(id), { files: names, nodes: ids, ancestors: ancestors.get(id) ?? ids });
  }
}
