import { spawn } from 'node:child_process';
import { realpath } from 'node:fs/promises';
import path from 'node:path';
import { findRuntimes } from '../../sandbox/runtimes.ts';
import { createSandbox } from '../../sandbox/sandbox.ts';
import type { Bed } from './bed.ts';
import { driveLoad } from './load.ts';
import type { Measure } from './measure.ts';
import { alternate } from './pairs.ts';
import { comparedRow, plainRow } from './rows.ts';
import { sourcesTar } from './sources.ts';

/** Executions at once. */
const CLIENTS = 8;
/** Whole repositories take minutes, so that one of a thousand files is looked at once. */
const ANALYSES = { quick: { files: 100, rounds: 2 }, full: { files: 1_000, rounds: 1 } };
const PROGRAM = { language: 'bash', source: 'true' } as const;

interface RunView {
  id: string;
  state: string;
  ended_at: string | null;
  output: { success?: boolean; files_analysed?: number } | null;
}

/** A program that does nothing: through the API to the end of its run, in the sandbox alone, and as a bare process. */
export const codeExecution: Measure = async (bed, pace) => {
  const places = { cache_dir: path.join(bed.directory, 'sandbox'), search_path: process.env.PATH ?? '' };
  const box = await createSandbox({ environment: 'development', ...places });
  const { bash } = await findRuntimes(places);
  if ('missing' in bash) throw new Error(bash.missing);
  const interpreter = await realpath(bash.executable);
  const through = async () => {
    const { output } = await builtinRun(bed, 'code_execution', PROGRAM);
    if (output?.success !== true) throw new Error(`The program failed: ${JSON.stringify(output)}`);
  };
  const alone = async () => {
    const { exit_code } = await box.run(PROGRAM);
    if (exit_code !== 0) throw new Error(`The sandbox answered ${exit_code}.`);
  };
  const one = (once: () => Promise<void>, turns: number) => () =>
    driveLoad({ clients: 1, seconds: Infinity, turns, once });
  const contest = (turns: number) => ({
    ours: one(through, turns),
    sandbox: one(alone, turns),
    reference: one(() => runBare(interpreter), turns),
  });
  await alternate(1, contest(2));
  const rounds = await alternate(pace.rounds, contest(pace.quick ? 5 : 20));
  const loaded = await alternate(pace.rounds, {
    ours: () => driveLoad({ clients: CLIENTS, seconds: 10 * pace.scale, once: through }),
  });
  const alone_rounds = rounds.map(({ ours, sandbox }) => ({ ours, reference: sandbox }));
  const row = { name: 'code_execution of `true`, p50', unit: 'ms', figure: 'p50_ms' };
  const rates = loaded.map(({ ours }) => ours.per_second ?? NaN);
  return {
    rows: [
      comparedRow(rounds, { ...row, against: 'bare process' }),
      comparedRow(alone_rounds, { ...row, against: 'the sandbox alone' }),
      plainRow({ name: `code_execution, ${CLIENTS} clients`, unit: 'runs/s' }, rates),
    ],
    details: { rounds, loaded },
  };
};

/** An analysis of sources that nobody has seen, and of the same again. */
export const codeAnalysis: Measure = async (bed, pace) => {
  const { files: count, rounds } = ANALYSES[pace.quick ? 'quick' : 'full'];
  const looks: Record<'cold' | 'cached', { seconds: number; files_analysed: number }[]> = {
    cold: [],
    cached: [],
  };
  for (let round = 1; round <= rounds; round += 1) {
    const repository = await upload(bed, await sourcesTar(count, round * 1_000_000));
    for (const how of ['cold', 'cached'] as const) looks[how].push(await analysis(bed, repository));
  }
  const of = (how: 'cold' | 'cached', figure: 'seconds' | 'files_analysed') =>
    looks[how].map((look) => look[figure]);
  if (of('cached', 'files_analysed').some((files) => files !== 0))
    throw new Error('What was analysed before was analysed again.');
  const name = `Analysis of ${count} files`;
  const note = `each file is looked at for three areas: ${of('cold', 'files_analysed')[0]} looks, then none`;
  return {
    rows: [
      plainRow({ name: `${name}, cold`, unit: 's', note }, of('cold', 'seconds')),
      plainRow({ name: `${name}, cached`, unit: 's' }, of('cached', 'seconds')),
    ],
    details: looks,
  };
};

async function analysis(bed: Bed, repository: string) {
  const from = performance.now();
  const { output } = await builtinRun(bed, 'code_analysis', { repository });
  return { seconds: (performance.now() - from) / 1_000, files_analysed: output?.files_analysed ?? NaN };
}

async function upload({ api }: Bed, body: Buffer): Promise<string> {
  const headers = { 'content-type': 'application/x-tar' };
  const answer = await api.request({ method: 'PUT', path: '/api/v1/blobs', headers, body });
  if (answer.status !== 201)
    throw new Error(`PUT of a tar answered ${answer.status}: ${answer.body.toString().slice(0, 300)}`);
  return (JSON.parse(answer.body.toString()) as { cas_id: string }).cas_id;
}

/** Starts a run of a type of ours and waits for its end; rejects unless it completed. */
async function builtinRun({ api }: Bed, type: string, input: object): Promise<RunView> {
  let run = await api.json<RunView>([202], 'POST', '/api/v1/runs', { type, input });
  while (run.ended_at === null) run = await api.json<RunView>([200], 'GET', `/api/v1/runs/${run.id}?wait=30`);
  if (run.state === 'completed') return run;
  throw new Error(`${type} ended wrong: ${JSON.stringify(run).slice(0, 500)}`);
}

function runBare(file: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, ['-c', PROGRAM.source], { stdio: 'ignore' });
    child.once('error', reject);
    child.once('exit', (code) => (code === 0 ? resolve() : reject(new Error(`${file} ended with ${code}.`))));
  });
}
