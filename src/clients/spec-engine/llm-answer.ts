import { NODE_TYPES } from '../../contract/definition.ts';
import { AppError, type Problem } from '../../contract/errors.ts';
import type { Json } from '../../contract/json.ts';
import {
  SPEC_ENGINE_LIMITS,
  type DefinitionTools,
  type EngineResult,
  type RefineRequest,
} from '../../contract/spec-engine.ts';
import { isShallow } from '../intents/json-bytes.ts';
import { documentOf } from './llm-prompt.ts';
import * as wire from './wire.ts';

export type CheckedAnswer = { result: EngineResult } | { problems: readonly Problem[] };

/**
 * What a model answered, as a result: held to its form, applied, and the definition validated. What it names of the world outside
 * (addresses, workflows, secrets) must stand in the request.
 */
export function checkAnswer(answer: Json, request: RefineRequest, tools: DefinitionTools): CheckedAnswer {
  if (!isShallow(answer, SPEC_ENGINE_LIMITS.depth))
    return { problems: [{ path: '', message: 'is nested too deep' }] };
  const understood = { ...(typeof answer === 'object' ? answer : {}), understood: true };
  const read = wire.result.safeParse(understood);
  if (!read.success)
    return {
      problems: read.error.issues.map(({ path, message }) => ({
        path: path.map((each) => `/${String(each)}`).join(''),
        message,
      })),
    };
  const { questions, message } = read.data;
  if (questions.length > 0)
    return { result: { patch: [], files: {}, message, questions, understood: false } };
  const problems = problemsOf(read.data, request, tools);
  return problems.length > 0 ? { problems } : { result: read.data };
}

function problemsOf(
  { patch, files }: EngineResult,
  request: RefineRequest,
  tools: DefinitionTools,
): readonly Problem[] {
  const { definition, files: known = {} } = request.context;
  try {
    const changed = tools.applyPatch(definition, patch);
    const missing = Object.entries(files).filter(
      ([path, text]) => text === null && !Object.hasOwn(known, path),
    );
    return [
      ...tools.validate(changed),
      ...strangers(changed, request),
      ...missing.map(([path]) => ({
        path: `/files/${path}`,
        message: 'is not there, so it cannot be removed',
      })),
    ];
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    const errors = error.data.errors ?? [{ path: '', message: error.message }];
    return errors.map(({ path, message }) => ({ path: `/patch${path}`, message }));
  }
}

const NAMED = [
  { what: 'the address', pattern: /\bhttps?:\/\/[^\s/"'\\<>?#]+/gi },
  { what: 'the secret', pattern: /\bsecrets\s*(?:\.\s*\w+|\[[^\]]{1,200}\])/g },
];

/** What a definition names that nobody has spoken of, and types that are not to be had. */
function strangers(changed: Json, request: RefineRequest): Problem[] {
  const said = documentOf(request);
  const text = JSON.stringify(changed);
  const named = NAMED.flatMap(({ what, pattern }) =>
    [...text.matchAll(pattern)].map(([name]) => ({ what, name })),
  );
  const nodes = nodesIn(changed);
  const allowed: readonly string[] = request.context.node_types ?? NODE_TYPES;
  const before = new Set(nodesIn(request.context.definition).map(({ type }) => type));
  return [
    ...named
      .filter(({ name }) => !said.includes(name))
      .map(({ what, name }) => ({
        path: '',
        message: `${what} ${name} is nowhere in the document: ask for it`,
      })),
    ...nodes
      .filter(
        ({ workflow }) =>
          workflow !== undefined && !said.includes(JSON.stringify(workflow)) && !said.includes(workflow),
      )
      .map(({ workflow }) => ({
        path: '',
        message: `the workflow ${workflow} is nowhere in the document: ask for it`,
      })),
    ...nodes
      .filter(({ type }) => type !== undefined && !allowed.includes(type) && !before.has(type))
      .map(({ type }) => ({ path: '', message: `a step cannot be of type ${type}` })),
  ];
}

/** Every node, and those that others hold. */
function nodesIn(value: Json): { type?: string; workflow?: string }[] {
  if (typeof value !== 'object' || value === null) return [];
  if (Array.isArray(value)) return value.flatMap(nodesIn);
  const { type, config } = value;
  const workflow =
    typeof config === 'object' && config !== null && !Array.isArray(config) ? config['workflow'] : undefined;
  const own =
    typeof type === 'string' && config !== undefined
      ? [{ type, ...(typeof workflow === 'string' ? { workflow } : {}) }]
      : [];
  return [...own, ...Object.values(value).flatMap(nodesIn)];
}
