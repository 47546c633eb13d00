import { readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { standIns, type StandIns } from '../../../test/analysis/stand-in.ts';
import { eventually } from '../../../test/support/eventually.ts';
import { analyserProgram, findAnalysers, type AnalyserInput } from './programs.ts';
import { ProgramFailure } from './run-program.ts';

const never = new AbortController().signal;
const MINUTE_MS = 60_000;
const input = (more: Partial<AnalyserInput> = {}): AnalyserInput => ({
  files: new Map([['f1.py', 'x = 1\n']]),
  timeout_ms: MINUTE_MS,
  signal: never,
  ...more,
});

let stand: StandIns;
let before: string[];
const workspaces = async () =>
  (await readdir(os.tmpdir())).filter((name) => name.startsWith(`orchestrator-git-${process.pid}-`));

beforeEach(async () => {
  before = await workspaces();
  stand = await standIns();
});
afterEach(async () => {
  await stand.remove();
  expect(await workspaces()).toEqual(before);
});
const ruff = async (script: string) => analyserProgram('ruff', await stand.make('ruff', script));

test('programs are found on the search path, each where it is first', async () => {
  const other = await standIns();
  await stand.make('ruff', 'echo first');
  await other.make('ruff', 'echo second');
  await other.make('gitleaks', 'echo second');
  const found = findAnalysers(
    ['relative', '', '/nowhere', stand.directory, other.directory].join(path.delimiter),
  );
  expect(found.map(({ name }) => name)).toEqual(['ruff', 'gitleaks']);
  expect(await found[0]!.analyse(input())).toBe('first\n');
  expect(findAnalysers('')).toEqual([]);
  await other.remove();
});

test('a program gets the files, and nothing of ours', async () => {
  const program = await ruff(
    'for one in *; do echo "$one: $(cat $one)"; done; cat ../rules.yaml; env | cut -d= -f1',
  );
  process.env.ORCHESTRATOR_SECRET_OF_THE_TEST = 'x';
  const said = await program.analyse(input({ rules: 'rules\n' }));
  delete process.env.ORCHESTRATOR_SECRET_OF_THE_TEST;
  const [file, rules, ...names] = said.trim().split('\n');
  expect([file, rules]).toEqual(['f1.py: x = 1', 'rules']);
  const own = ['PATH', 'HOME', 'TMPDIR', 'LC_ALL', 'NO_COLOR', 'PYTHONDONTWRITEBYTECODE'];
  const shell = ['PWD', 'SHLVL', '_', 'OLDPWD', 'SEMGREP_SEND_METRICS', 'SEMGREP_ENABLE_VERSION_CHECK'];
  expect(names.filter((name) => ![...own, ...shell].includes(name))).toEqual([]);
});

test.each(['--config=evil.py', '../f1.py', 'a.py', '.ruff.toml', 'f1.py/../../x.py'])(
  'a file is not called %s',
  async (name) => {
    const program = await ruff('ls -a ..');
    await expect(program.analyse(input({ files: new Map([[name, '']]) }))).rejects.toThrow('not made by us');
  },
);

test.each([
  ['exit 3', 'failed with exit status 3'],
  ['kill -SEGV $$', 'failed with exit status -1'],
  ['head -c 40000000 /dev/zero', 'had more to say than allowed'],
])('what a program does with %j is a failure', async (script, message) => {
  const program = await ruff(script);
  await expect(program.analyse(input())).rejects.toThrow(new ProgramFailure(message));
});

/** True once nothing is left of what the script wrote the id of. */
const isOver = async () => (await stand.log()).every((pid) => !isAlive(pid));
const begun = async () => (await stand.log()).length > 0;

test('a program that takes too long is ended with all that it started', async () => {
  const program = await ruff('sleep 1000 & echo $! >> "$LOG"; wait');
  const going = program.analyse(input({ timeout_ms: 2_000 }));
  await expect(going).rejects.toThrow(new ProgramFailure('took too long'));
  await eventually(async () => (await begun()) && (await isOver()));
});

test('an abort ends a program with all that it started, and its reason is the error', async () => {
  const program = await ruff('sleep 1000 & echo $! >> "$LOG"; wait');
  const [stop, reason] = [new AbortController(), new Error('enough')];
  const going = program.analyse(input({ signal: stop.signal }));
  const ended = expect(going).rejects.toBe(reason);
  await eventually(begun);
  stop.abort(reason);
  await ended;
  await eventually(async () => (await begun()) && (await isOver()));
});

test('what a program leaves behind is ended with it', async () => {
  const program = await ruff('sleep 1000 & echo $! >> "$LOG"; echo done');
  expect(await program.analyse(input())).toBe('done\n');
  await eventually(async () => (await begun()) && (await isOver()));
});

test('the version is asked once, and again when the program has changed', async () => {
  const file = await stand.make('ruff', 'echo');
  const program = analyserProgram('ruff', file);
  expect([await program.version(never), await program.version(never)]).toEqual(['1.2.3', '1.2.3']);
  await stand.make('ruff', 'echo', '2.0.0-beta+x');
  expect(await program.version(never)).toBe('2.0.0-beta+x');
  await stand.make('ruff', 'echo', 'set by the build');
  expect(await program.version(never)).toMatch(/^of-\d+-bytes$/);
  await stand.remove();
  await expect(program.version(never)).rejects.toThrow(new ProgramFailure('could not be started'));
});

/** Who has ended and was not asked for its status yet is no more. */
function isAlive(pid: string): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return !['Z', 'X'].includes(stat[stat.lastIndexOf(')') + 2] ?? '');
  } catch {
    return false;
  }
}
