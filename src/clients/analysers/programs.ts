import { accessSync, constants, statSync } from 'node:fs';
import { mkdir, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createWorkspace } from '../git/workspace.ts';
import { ANALYSER_COMMANDS, ANALYSER_NAMES, type AnalyserName } from './commands.ts';
import { ProgramFailure, runProgram } from './run-program.ts';

export interface AnalyserInput {
  /** Texts by names that we made: `f12.py`. */
  files: ReadonlyMap<string, string>;
  /** Rules of ours, as the program reads them. */
  rules?: string;
  timeout_ms: number;
  signal: AbortSignal;
}

/** A program of others that is installed here. */
export interface AnalyserProgram {
  name: AnalyserName;
  /** Tells one version from another; asked once, and again when the program has changed. Throws `ProgramFailure`. */
  version(signal: AbortSignal): Promise<string>;
  /** What it writes about these files. Throws `ProgramFailure`, and the reason of `signal`. */
  analyse(input: AnalyserInput): Promise<string>;
}

const MIB = 1024 * 1024;
const OUTPUT_BYTES = 32 * MIB;
const VERSION_BYTES = 64 * 1024;
const VERSION_MS = 60_000;
const SYSTEM_PATH = '/usr/local/bin:/usr/bin:/bin';
const FILE_NAME = /^f\d{1,9}\.[a-z0-9]{1,10}$/;

/** The programs that lie in the directories of a search path, each where it is first. */
export function findAnalysers(search_path: string): AnalyserProgram[] {
  const directories = search_path.split(path.delimiter).filter((directory) => path.isAbsolute(directory));
  return ANALYSER_NAMES.flatMap((name) => {
    const file = directories.map((directory) => path.join(directory, name)).find(isProgram);
    return file === undefined ? [] : [analyserProgram(name, file)];
  });
}

/** One program, by its absolute path. */
export function analyserProgram(name: AnalyserName, file: string): AnalyserProgram {
  const { version: version_args, analyse: analyse_args } = ANALYSER_COMMANDS[name];
  let known: { of: string; version: string } | undefined;

  /** In a directory that holds nothing but what is given, and that goes with the end. */
  async function run(args: readonly string[], input: Omit<AnalyserInput, 'timeout_ms'>, limits: Limits) {
    const workspace = await createWorkspace();
    try {
      const places = await layOut(workspace.directory, input);
      const env = environment(file, places);
      const { exit_code, output } = await runProgram({
        file,
        args,
        env,
        cwd: places.files,
        signal: input.signal,
        ...limits,
      });
      if (exit_code !== 0) throw new ProgramFailure(`failed with exit status ${exit_code}`);
      return output;
    } finally {
      await workspace.remove();
    }
  }

  return {
    name,
    async version(signal) {
      const of = await identityOf(file);
      if (known?.of === of) return known.version;
      const limits = { timeout_ms: VERSION_MS, output_bytes: VERSION_BYTES };
      const said = await run(version_args, { files: new Map(), signal }, limits);
      // A build that does not know its version is known by its size.
      known = {
        of,
        version: /\d+\.\d+[\w.+-]{0,40}/.exec(said)?.[0] ?? `of-${(await stat(file)).size}-bytes`,
      };
      return known.version;
    },
    analyse: ({ timeout_ms, ...input }) =>
      run(analyse_args, input, { timeout_ms, output_bytes: OUTPUT_BYTES }),
  };
}

interface Limits {
  timeout_ms: number;
  output_bytes: number;
}

interface Places {
  files: string;
  home: string;
  temporary: string;
}

async function layOut(
  directory: string,
  { files, rules }: Pick<AnalyserInput, 'files' | 'rules'>,
): Promise<Places> {
  const places: Places = {
    files: path.join(directory, 'files'),
    home: path.join(directory, 'home'),
    temporary: path.join(directory, 'tmp'),
  };
  for (const place of Object.values(places) as string[]) await mkdir(place);
  if (rules !== undefined) await writeFile(path.join(directory, 'rules.yaml'), rules);
  for (const [name, text] of files) {
    // A name from a repository would be an option, a setting or a place elsewhere.
    if (!FILE_NAME.test(name)) throw new Error('The name of a file was not made by us.');
    await writeFile(path.join(places.files, name), text);
  }
  return places;
}

/** Nothing of ours is for it: neither settings nor secrets. */
function environment(file: string, { home, temporary }: Places): Record<string, string> {
  return {
    PATH: `${path.dirname(file)}:${SYSTEM_PATH}`,
    HOME: home,
    TMPDIR: temporary,
    LC_ALL: 'C.UTF-8',
    NO_COLOR: '1',
    PYTHONDONTWRITEBYTECODE: '1',
    SEMGREP_SEND_METRICS: 'off',
    SEMGREP_ENABLE_VERSION_CHECK: '0',
  };
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

async function identityOf(file: string): Promise<string> {
  try {
    const { ino, size, mtimeMs } = await stat(file);
    return [ino, size, mtimeMs].join(':');
  } catch {
    throw new ProgramFailure('could not be started');
  }
}
