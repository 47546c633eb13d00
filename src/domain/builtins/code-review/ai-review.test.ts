import type { LanguageModel } from '../../../clients/llm/language-model.ts';
import { AppError } from '../../../contract/errors.ts';
import type { Json } from '../../../contract/json.ts';
import type { NodeContext } from '../../nodes/node.ts';
import { runAIReview } from './ai-review.ts';
import type { ReviewChanges, ReviewFile } from './changes.ts';

function fileOf(path: string): ReviewFile {
  const lines = [{ kind: 'added' as const, text: 'x'.repeat(600) }];
  const hunk = { old_start: 0, old_lines: 0, new_start: 1, new_lines: 1, lines };
  return { path, old_path: path, status: 'added', cas_id: '', text: '', added_lines: [1], hunks: [hunk] };
}
const changes: ReviewChanges = {
  base_commit: '',
  head_commit: '',
  files: ['a', 'b', 'c'].map(fileOf),
  skipped: {},
  truncated: false,
};
const remarkOn = (path: string): Json => ({
  remarks: [{ path, line: 1, severity: 'note', message: 'x' }],
});

/** One chunk a file; each answer is given or thrown, in order. */
async function reviewed(answers: (Json | Error)[], more: { time_ms?: number; now?: () => number } = {}) {
  let calls = 0;
  const model: LanguageModel = {
    engine: 'anthropic',
    complete: () => {
      const answer = answers[calls++]!;
      return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
    },
  };
  const bytes = Buffer.from(JSON.stringify(changes));
  const blobs = { get: () => Promise.resolve({ bytes, media_type: 'application/json' }) };
  const context = {
    project_id: 'p',
    signal: new AbortController().signal,
    keep: () => Promise.resolve('sha256:0'),
  } as unknown as NodeContext;
  const step = runAIReview({ blobs: blobs as never, model, limits: { tokens: 250, chunks: 9 }, ...more });
  return { outcome: await step({ changes_ref: 'x' }, context), calls: () => calls };
}
const away = new AppError('overloaded', { detail: 'away' });
const declined = new AppError('validation_failed', { detail: 'declined' });

test('a chunk that the model declines is a problem, and the others are reviewed', async () => {
  const { outcome, calls } = await reviewed([remarkOn('a'), declined, remarkOn('c')]);
  expect(outcome).toMatchObject({ state: 'succeeded', output: { remarks: 2, chunks: 3, lines_left_out: 1 } });
  expect((outcome.output as { problems: string[] }).problems).toHaveLength(1);
  expect(calls()).toBe(3);
});

test('a model that goes away is not asked about the rest, and what it said is kept', async () => {
  const { outcome, calls } = await reviewed([remarkOn('a'), away, remarkOn('c')]);
  expect(outcome).toMatchObject({ state: 'succeeded', output: { remarks: 1, lines_left_out: 2 } });
  expect(calls()).toBe(2);
});

test('a model that is away from the beginning fails the step', async () => {
  const { outcome, calls } = await reviewed([away]);
  expect(outcome).toMatchObject({ state: 'failed', error: { code: 'overloaded' } });
  expect(calls()).toBe(1);
});

test('when the time is up no further chunk is begun', async () => {
  let time_ms = 0;
  const now = () => (time_ms += 10);
  const { outcome, calls } = await reviewed([remarkOn('a'), remarkOn('b')], { time_ms: 25, now });
  expect(outcome).toMatchObject({ state: 'succeeded', output: { remarks: 2, lines_left_out: 1 } });
  expect(calls()).toBe(2);
});

test('a remark on the line of another chunk is dropped, and so is one that is said twice', async () => {
  const twice = { remarks: [1, 2].map(() => (remarkOn('b') as { remarks: Json[] }).remarks[0]!) };
  const { outcome } = await reviewed([remarkOn('b'), twice, remarkOn('../c')]);
  expect(outcome).toMatchObject({ output: { remarks: 1, dropped: 2 } });
});
