import type { ResolvedLimits } from './limits.ts';
import { FIXED_LIMITS } from './limits.ts';
import type { Program } from './program.ts';

/** What the host answers to `start`. */
export const GO = 'go\n';

/** Which file descriptor means what to the launcher; the inputs follow after these. */
export const LAUNCHER_FD = { artifacts: 3, status: 4, files: 5 } as const;

export interface LauncherOptions {
  program: Program;
  limits: ResolvedLimits;
  env: Readonly<Record<string, string>>;
  /** The directory that holds `out`, which is there already; inside a sandbox always `/work`. */
  work: string;
  /** A tar with further files waits on its descriptor. */
  has_files: boolean;
  tar: string;
  /** Inside its own pid namespace the launcher is process 1 and may end everything that is left. */
  namespaced: boolean;
  /** Processes of the same user that the kernel counts too. */
  other_tasks: number;
}

/**
 * The shell script that runs one program: limits on itself, then the program as a child, then a tar of `out`.
 * It speaks on the status descriptor: `start`, on which it waits for `go`, then the times, `full`, and
 * `exit <status>`. What it says is only as good as the sandbox: a claim of the program about itself.
 */
export function launcherScript(options: LauncherOptions): string {
  const { program, work } = options;
  const lines = [
    // Outside of a pid namespace `kill -1` would reach every process of the machine.
    ...(options.namespaced ? ['[ $$ -eq 1 ] || exit 125'] : []),
    'exec 8<&0 9>&2 </dev/null 2>/dev/null',
    ...ulimits(options),
    `cd ${quote(work)} || exit 124`,
    ...(options.has_files ? [`${options.tar} -xf - --no-same-owner <&${LAUNCHER_FD.files} || exit 124`] : []),
    'stopped=',
    `trap 'stopped=1${options.namespaced ? '; kill -s TERM -- -1' : ''}' TERM`,
    `printf 'start\\n' >&${LAUNCHER_FD.status}`,
    // From here on --die-with-parent holds for everybody; a host that is gone or thought better of it says nothing.
    `read -r answer <&${LAUNCHER_FD.status}; [ "$answer" = go ] || exit 0`,
    `( ${closeInherited()}${exports(options.env)}${start(program)} ) <&8 2>&9 8<&- 9>&- &`,
    'child=$!',
    'exec 8<&- 9>&-',
    // The signal may have come just before there was a child to pass it on to.
    ...(options.namespaced ? ['[ "$stopped" ] && kill -s TERM -- -1'] : []),
    'wait $child; status=$?',
    // A trapped signal ends `wait` early; 127 means that the child was waited for already.
    'while [ "$stopped" ]; do stopped=; wait $child; again=$?; [ $again -eq 127 ] || status=$again; done',
    "trap '' TERM",
    ...(options.namespaced ? ['kill -s KILL -- -1'] : []),
    'exec >/dev/null',
    `times >&${LAUNCHER_FD.status}`,
    ...(options.namespaced ? [SAY_WHEN_FULL] : []),
    'full=; for f in out/* out/.[!.]* out/..?*; do if [ -e "$f" ] || [ -L "$f" ]; then full=1; fi; done',
    `[ "$full" ] && ${options.tar} -cf - out >&${LAUNCHER_FD.artifacts}`,
    `exec ${LAUNCHER_FD.artifacts}>&-`,
    `printf 'exit %s\\n' $status >&${LAUNCHER_FD.status}`,
    'exit 0',
  ];
  return lines.join('\n') + '\n';
}

/** A program that met a full disk ends with an error of its own words; this tells the two apart. */
const SAY_WHEN_FULL = `if [ $status -ne 0 ]; then
  for d in /work /tmp; do [ "$(stat -f -c %a $d)" = 0 ] && printf 'full\\n' >&${LAUNCHER_FD.status}; done
fi`;

/** Quotes anything for a POSIX shell. */
export function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

function ulimits({ program, limits, namespaced, other_tasks }: LauncherOptions): string[] {
  const memory_kib = Math.ceil(program.memory_limit.bytes / 1_024);
  // The launcher and its tar are tasks as well.
  const tasks = limits.processes + 2 + other_tasks;
  return [
    'ulimit -c 0',
    // One second later than the watchdog, which counts all processes together and knows the reason.
    `ulimit -t ${Math.ceil(limits.cpu_ms / 1_000) + 1}`,
    `ulimit -f ${Math.ceil(limits.file_bytes / 512)}`,
    `ulimit -n ${FIXED_LIMITS.open_files}`,
    `ulimit -${program.memory_limit.of === 'address_space' ? 'v' : 'd'} ${memory_kib}`,
    // `-p` in dash and busybox, `-u` elsewhere.
    ...(namespaced ? [`ulimit -p ${tasks} || ulimit -u ${tasks}`] : []),
  ];
}

const closeInherited = (): string =>
  `exec ${Object.values(LAUNCHER_FD)
    .map((fd) => `${fd}>&-`)
    .join(' ')}; `;

function start({ prepare, argv }: Program): string {
  return `${prepare ? `${command(prepare)} || exit; ` : ''}exec ${command(argv)}`;
}

const command = (argv: readonly string[]): string => argv.map(quote).join(' ');

function exports(env: Readonly<Record<string, string>>): string {
  return Object.entries(env)
    .map(([name, value]) => `export ${name}=${quote(value)}; `)
    .join('');
}
