import type { Problem } from '../contract/errors.ts';
import type {
  DefinitionTools,
  EngineResult,
  RefineContext,
  Refiner,
  RefineRequest,
} from '../contract/spec-engine.ts';
import { splitClauses, type Clause } from './clauses.ts';
import { createDraft, isObject, type Draft } from './draft.ts';
import type { Done, Editing } from './instruction.ts';
import { INSTRUCTIONS } from './instructions.ts';
import { stepsOf, type Steps } from './steps.ts';
import { Unclear } from './unclear.ts';
import { short } from './values.ts';

const MAX_CLAUSES = 100;
const MAX_PROBLEMS = 20;

/** The Spec Engine that is always there: rules, no model and no network. The same request always gets the same answer. */
export function rulesRefiner(tools: DefinitionTools): Refiner {
  return {
    engine: 'rules',
    async refine(request, { signal, onProgress }) {
      signal.throwIfAborted();
      return Promise.resolve(refineByRules(request, tools, onProgress));
    },
  };
}

/**
 * Follows edit instructions clause by clause. Nothing is changed when one of them is not understood or cannot be followed, or when the
 * definition would not be valid afterwards: the result then says why.
 */
export function refineByRules(
  { instructions, context }: RefineRequest,
  tools: DefinitionTools,
  onProgress: (message: string) => void = () => undefined,
): EngineResult {
  const draft = createDraft(context.definition, new Set(Object.keys(context.files ?? {})), tools);
  const editing: Editing = { draft, steps: stepsOf(draft), context };
  const leaves = editing.steps.leaves();
  const clauses = splitClauses(instructions);
  if (clauses.length === 0) return asking(['What is to be changed?'], []);
  if (clauses.length > MAX_CLAUSES)
    return asking([`These are more than ${MAX_CLAUSES} changes at once.`], []);
  const done: string[] = [];
  const questions: string[] = [];
  for (const clause of clauses) {
    const followed = follow(clause, editing);
    if ('said' in followed) {
      done.push(followed.said);
      onProgress(followed.said);
      editing.last = followed.step ?? editing.last;
    } else questions.push(followed.question);
  }
  if (questions.length > 0) return asking(questions, done);
  const problems = [...tools.validate(draft.document), ...strangeTypes(draft, context)].map(
    ({ path, message }) => `${path === '' ? '/' : path} ${message}`,
  );
  if (problems.length > 0) return refusing(problems, done);
  return answer(draft, done, outputNote(draft, leaves, editing.steps));
}

function follow(clause: Clause, editing: Editing): Done | { question: string } {
  try {
    for (const instruction of INSTRUCTIONS) {
      const done = instruction.follow(clause, editing);
      if (done) return done;
    }
    return { question: `“${short(clause.raw, 200)}” is not understood.` };
  } catch (error) {
    if (!(error instanceof Unclear)) throw error;
    return { question: `“${short(clause.raw, 200)}”: ${error.message}` };
  }
}

function answer(draft: Draft, done: readonly string[], note: string): EngineResult {
  const { patch, files } = draft;
  const changes = patch.length > 0 || Object.keys(files).length > 0;
  const message = `${changes ? '' : 'Nothing had to be changed. '}${sentence(done)}${note}`;
  return { patch: [...patch], files: { ...files }, message, questions: [], understood: true };
}

function asking(questions: string[], done: readonly string[]): EngineResult {
  const rest = done.length === 0 ? '' : `The rest was understood: ${done.join('; ')}. `;
  const message = `Nothing was changed. ${questions.join(' ')} ${rest}${HELP}`;
  return { patch: [], files: {}, message, questions, understood: false };
}

function refusing(problems: readonly string[], done: readonly string[]): EngineResult {
  const shown = problems.slice(0, MAX_PROBLEMS);
  const message = `Nothing was changed: the definition would not be valid any more (${done.join('; ')}). ${shown.join('; ')}.`;
  return { patch: [], files: {}, message, questions: shown, understood: false };
}

/** A step may be of another type than those that are to be had only if it is so already. */
function strangeTypes(draft: Draft, { definition, node_types }: RefineContext): Problem[] {
  const nodes = draft.get(['nodes']);
  const [old, allowed] = [definition['nodes'], node_types as readonly unknown[] | undefined];
  if (!allowed || !isObject(nodes)) return [];
  return Object.entries(nodes).flatMap(([id, node]) => {
    const before = isObject(old) && Object.hasOwn(old, id) ? old[id] : undefined;
    const type = isObject(node) ? node['type'] : undefined;
    const is_fine = allowed.includes(type) || (isObject(before) && before['type'] === type);
    return is_fine ? [] : [{ path: `/nodes/${id}/type`, message: `must be one of ${allowed.join(', ')}` }];
  });
}

/** What is understood, for who was not. */
const HELP = `These are understood, one in each sentence or line: ${INSTRUCTIONS.map(({ how }) => `“${how[0]}”`).join(', ')}.`;

/** Without an output of its own, that of a workflow is that of its last steps. */
function outputNote(draft: Draft, before: readonly string[], steps: Steps): string {
  const after = steps.leaves();
  if (Object.hasOwn(draft.document, 'output') || before.length === 0) return '';
  if (JSON.stringify([...before].sort()) === JSON.stringify([...after].sort())) return '';
  return ` The workflow has no output of its own, so that is now of ${after.map((id) => `“${id}”`).join(', ')}.`;
}

function sentence(done: readonly string[]): string {
  const text = done.join('; ');
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}
