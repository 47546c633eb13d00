import { constants } from 'node:os';

/** What the launcher said of a run; see launcher.ts. */
export interface StatusReport {
  started: boolean;
  exit_code: number | null;
  signal: string | null;
  ended: boolean;
  disk_full: boolean;
  cpu_ms: number;
}

/** A shell says 128 + n when a program died of signal n. */
const SIGNAL_BASE = 128;
/** Signals that end a program; other numbers above 128 are plain exit codes. */
const ENDING = ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGILL', 'SIGTRAP', 'SIGABRT', 'SIGBUS', 'SIGFPE', 'SIGKILL'];
const ALSO_ENDING = [
  'SIGUSR1',
  'SIGSEGV',
  'SIGUSR2',
  'SIGPIPE',
  'SIGALRM',
  'SIGTERM',
  'SIGXCPU',
  'SIGXFSZ',
  'SIGSYS',
];
const signals = new Map<number, string>(
  [...ENDING, ...ALSO_ENDING].map((name) => [constants.signals[name as NodeJS.Signals], name]),
);

/** Reads the status lines; whatever is not understood counts as not said. */
export function readStatus(text: string): StatusReport {
  const lines = text.split('\n');
  const exit = lines.map((line) => /^exit (\d{1,3})$/.exec(line)?.[1]).find((code) => code !== undefined);
  const status = exit === undefined ? null : Number(exit);
  const signal = status === null ? null : (signals.get(status - SIGNAL_BASE) ?? null);
  return {
    started: lines.includes('start'),
    ended: status !== null,
    exit_code: signal === null ? status : null,
    signal,
    disk_full: lines.includes('full'),
    cpu_ms: lines.reduce((sum, line) => sum + timesLine(line), 0),
  };
}

/** `0m0.010000s 0m0.000000s`: user and system time. */
function timesLine(line: string): number {
  const match = /^(\d{1,6})m(\d+(?:[.,]\d+)?)s (\d{1,6})m(\d+(?:[.,]\d+)?)s$/.exec(line);
  if (!match) return 0;
  const [, user_m, user_s, system_m, system_s] = match.map((part) => Number(part.replace(',', '.')));
  return ((user_m ?? 0) * 60 + (user_s ?? 0) + (system_m ?? 0) * 60 + (system_s ?? 0)) * 1_000;
}
