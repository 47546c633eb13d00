import type {
  BackTestFailure,
  BackTestUnknown,
  BackTestVerdict,
  RunBackTest,
} from '../../contract/back-test.ts';
import type { Problem } from '../../contract/errors.ts';
import type { Json } from '../../contract/json.ts';
import { outputOf } from '../../language/light-config.ts';
import { schemaProblemsAt } from '../rules/json-schema-problems.ts';
import { isEqualJson } from '../rules/json-patch-equal.ts';
import { changesIn } from './changes.ts';
import { evaluateNow, readsTheSame } from './evaluate.ts';
import { locateFailure } from './locate.ts';
import { isValue, walkRun, type WalkRequest } from './walk.ts';
import { readKept, type Walk } from './walk-parts.ts';
import { templateRoots } from '../../language/template.ts';

type Said = Omit<RunBackTest, 'run_id' | 'version_hash' | 'created_at' | 'verdict'>;

export type ReportedRun = Said & { verdict: BackTestVerdict };

/**
 * What the new version would make of a run. `wanted`: blobs that were missed; with them more can be said. Pure, and bounded
 * by what `isOutOfTime` says.
 */
export function backTestRun(request: WalkRequest): { said: ReportedRun; wanted: ReadonlySet<string> } {
  const walk = walkRun(request);
  const refused = refusals(walk);
  const said = refused.problems.length > 0 ? notBegun(walk, refused.problems) : gone(walk, refused.unread);
  return { said: { ...said, verdict: verdictOf(said) }, wanted: walk.wanted };
}

/** In the order of `BACK_TEST_VERDICTS`. */
function verdictOf({ refused, fails, changes, unknown, state, same_output }: Said): BackTestVerdict {
  if (refused.length > 0 || fails.length > 0) return 'invalid';
  if (changes.length > 0 || same_output === false) return 'different';
  if (state.now !== null && state.now !== state.then) return 'different';
  return unknown.length > 0 || same_output === null || state.now === null ? 'undecided' : 'same';
}

/** What was accepted is accepted again by the same schema. */
function refusals(walk: Walk): { problems: Problem[]; unread: boolean } {
  const { then, now, run, params, same_params } = walk;
  const [a, b] = [then.definition, now.definition];
  const ask_input = !isSameSchema(a.input_schema, b.input_schema);
  const ask_params = !same_params || !isSameSchema(a.params_schema, b.params_schema);
  const input = ask_input && b.input_schema !== undefined ? readKept(walk, run.input) : null;
  const problems = [
    ...(ask_input && input !== undefined ? schemaProblemsAt(b.input_schema, input, '/input') : []),
    ...(ask_params ? schemaProblemsAt(b.params_schema, params[0]!, '/params') : []),
  ];
  return { problems, unread: input === undefined };
}

const isSameSchema = (a: unknown, b: unknown): boolean =>
  a === undefined || b === undefined ? a === b : isEqualJson(a as Json, b as Json);

const notBegun = ({ run }: Walk, refused: Problem[]): Said => ({
  state: { then: run.state, now: null },
  same_output: null,
  refused,
  fails: [],
  changes: [],
  unknown: [],
});

function gone(walk: Walk, input_unread: boolean): Said {
  const { fails, changes, unknown } = changesIn(walk);
  const end = endOf(walk, unknown.length > 0);
  const more: BackTestUnknown[] = input_unread ? [{ node: null, reason: 'value_not_read' }] : [];
  return {
    state: { then: walk.run.state, now: end.state },
    same_output: end.same_output,
    refused: [],
    fails: [...fails, ...end.fails],
    changes,
    unknown: [...unknown, ...end.unknown, ...more],
  };
}

interface End {
  state: 'completed' | 'failed' | null;
  same_output: boolean | null;
  fails: BackTestFailure[];
  unknown: BackTestUnknown[];
}

/** How the run itself would end. Steps that nothing is known of leave it open, unless one that is certain to fail decides it. */
function endOf(walk: Walk, is_open: boolean): End {
  const { run, failing, failed_then } = walk;
  if (walk.unsettled) return openEnd('depends_on_timing');
  if (failing.size > 0)
    return { state: 'failed', same_output: run.state === 'failed', fails: [], unknown: [] };
  const { template, roots } = outputOf(walk.now.plan);
  const before = outputOf(walk.then.plan).template;
  const as_then = failed_then.size === 0 && isEqualJson(template, before);
  if (as_then && readsTheSame(walk, roots))
    return { state: is_open ? null : run.state, same_output: true, fails: [], unknown: [] };
  const found = evaluateNow(walk, { template, roots, node: null });
  if ('unknown' in found) return openEnd(found.unknown);
  if ('error' in found) return failedOutput(walk, found.error, is_open);
  const same_output = run.state === 'completed' && isValue(run.output, found.value);
  return { state: is_open ? null : 'completed', same_output, fails: [], unknown: [] };
}

const openEnd = (reason: BackTestUnknown['reason']): End => ({
  state: null,
  same_output: null,
  fails: [],
  unknown: [{ node: null, reason }],
});

function failedOutput(walk: Walk, message: string, is_open: boolean): End {
  const { run, now } = walk;
  const as_then = run.error !== null && run.error.step === undefined && run.error.message === message;
  const path = locateFailure(
    now.definition.output ?? null,
    '/output',
    (template) => 'error' in evaluateNow(walk, { template, roots: templateRoots(template), node: null }),
  );
  const fails = as_then ? [] : [{ node: null, path, message }];
  return { state: is_open ? null : 'failed', same_output: run.state === 'failed', fails, unknown: [] };
}
