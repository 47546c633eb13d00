import { z } from 'zod';
import { BACK_TEST_CHANGES, BACK_TEST_UNKNOWNS, BACK_TEST_VERDICTS } from '../../contract/back-test.ts';
import { STEP_STATES } from '../../contract/run.ts';
import { anyJson, contentHash, instant, uuid } from './conventions.ts';
import { anyRef } from './diff.ts';

const MAX_RUNS = 50;
const runs = z.coerce
  .number('must be a number')
  .int()
  .min(1)
  .max(MAX_RUNS)
  .default(20)
  .meta({ description: 'On so many of the newest runs that ended as completed or failed.' });

export const proposalParams = z.strictObject({ id: uuid });
export const proposalBackTestQuery = z.strictObject({ runs });
export const versionParams = z.strictObject({ ref: anyRef });
export const versionBackTestQuery = z.strictObject({ to: anyRef, runs });

const state = z.enum(STEP_STATES).nullable();
const outcome = z.enum(['completed', 'failed']);
const verdict = z.enum(BACK_TEST_VERDICTS);
const count = z.int().min(0);

const runBackTest = z.object({
  run_id: z.string(),
  version_hash: contentHash.meta({ description: 'Of the definition that the run had.' }),
  created_at: instant,
  verdict,
  state: z
    .object({ then: outcome, now: outcome.nullable() })
    .meta({ description: '`now` is null where it cannot be told, or where the run would not begin.' }),
  same_output: z.boolean().nullable().meta({ description: 'Null where it cannot be told.' }),
  refused: z
    .array(z.object({ path: z.string(), message: z.string() }))
    .meta({ description: 'Why the run would not begin: below `/input` and `/params`.' }),
  fails: z
    .array(z.object({ node: z.string().nullable(), path: z.string(), message: z.string() }))
    .meta({ description: 'Expressions that fail, and did not then; `path` points into the definition.' }),
  changes: z
    .array(
      z.object({
        node: z.string(),
        kind: z.enum(BACK_TEST_CHANGES),
        then: state,
        now: state,
        output_then: anyJson.optional(),
        output_now: anyJson.optional(),
      }),
    )
    .meta({ description: 'What is certain to be otherwise.' }),
  unknown: z.array(z.object({ node: z.string().nullable(), reason: z.enum(BACK_TEST_UNKNOWNS) })).meta({
    description: 'What cannot be told without carrying it out; a null `node` is the output of the run.',
  }),
});

export const backTestView = z
  .object({
    workflow: z.string(),
    version_hash: contentHash.meta({ description: 'Of the definition that was tried.' }),
    summary: z.object({
      runs: count,
      invalid: count,
      different: count,
      undecided: count,
      same: count,
    }),
    nodes: z
      .array(
        z.object({
          node: z.string(),
          runs: z.object(
            Object.fromEntries(
              [...BACK_TEST_CHANGES, 'fails', 'unknown'].map((kind) => [kind, count.optional()]),
            ),
          ),
        }),
      )
      .meta({ description: 'In how many runs what happens to a step.' }),
    runs: z.array(runBackTest).meta({ description: 'Newest first.' }),
    left_out: count.meta({ description: 'Runs that there was no time or room left for.' }),
  })
  .meta({ id: 'BackTest' });
