import type { NodeTask } from '../contract/activities.ts';
import type { Definition, DefinitionNode } from '../contract/definition.ts';
import { AppError } from '../contract/errors.ts';
import type { JsonObject } from '../contract/json.ts';
import type { Template } from '../contract/plan.ts';
import { compileConfig } from '../language/config.ts';
import { evaluateTemplate } from '../language/expression.ts';
import { templateRoots } from '../language/template.ts';
import type { RunValues } from './values.ts';

const COMPENSATE = '.compensate';

/** The node a step belongs to: itself, or the one it undoes. */
export const nodeOf = (step: string): string =>
  step.endsWith(COMPENSATE) ? step.slice(0, -COMPENSATE.length) : step;

/** What a step carries out: its node, the body of its map for an item, or what undoes its node. Throws `not_found`. */
export function bodyOf(definition: Definition, step: string, item: number): DefinitionNode {
  const undoes = step.endsWith(COMPENSATE);
  const node = definition.nodes[nodeOf(step)];
  const body = undoes ? node?.compensate : item >= 0 && node?.type === 'map' ? node.config.node : node;
  if (!body) throw new AppError('not_found', { detail: `The definition has no step ${step}.` });
  return body;
}

/** Evaluates the configs of nodes where their values are. */
export function nodeConfigs({ values }: { values: Pick<RunValues, 'scopeOf'> }) {
  const templates = new WeakMap<DefinitionNode, Template>();

  function templateOf(node: DefinitionNode): Template {
    const known = templates.get(node);
    if (known) return known;
    const template = compileConfig(node.type, node.config as unknown as JsonObject);
    templates.set(node, template);
    return template;
  }

  return {
    /** Names of the secrets that the config reads. */
    secretsOf: (body: DefinitionNode): readonly string[] => templateRoots(templateOf(body)).secrets,

    /** The config as the attempt sees it, with the values of those secrets by name. Throws `ExpressionError`. */
    async evaluate(
      task: Omit<NodeTask, 'version_hash' | 'epoch'>,
      body: DefinitionNode,
      secrets: JsonObject = {},
    ): Promise<JsonObject> {
      const template = templateOf(body);
      const scope = await values.scopeOf(task, task.scope, templateRoots(template));
      return evaluateTemplate(template, { ...scope, secrets }) as JsonObject;
    },
  };
}

export type NodeConfigs = ReturnType<typeof nodeConfigs>;
