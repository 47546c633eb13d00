import type { RunEvent } from './demo-stream.ts';

export interface Progress {
  show(event: RunEvent): void;
  /** Ends the redrawing; what was drawn stays. */
  close(): void;
}

export interface Screen {
  write(text: string): void;
  is_tty: boolean;
}

interface Row {
  node: string;
  state: string;
  attempt: number;
  started_at?: number;
  ended_at?: number;
}

const MARKS: Readonly<Record<string, string>> = {
  pending: '·',
  running: '▸',
  waiting: '◷',
  retrying: '↻',
  succeeded: '✔',
  failed: '✘',
  skipped: '–',
  cancelled: '■',
};
const ENDED = new Set(['succeeded', 'failed', 'skipped', 'cancelled']);
const FINAL_RUN = /^run\.(completed|failed|errored|terminated|cancelled)$/;

/** Progress of one run: a table redrawn in place on a terminal, one line per event elsewhere. */
export function progressOf(nodes: readonly string[], screen: Screen): Progress {
  return screen.is_tty ? redrawnTable(nodes, screen) : plainLines(screen);
}

function plainLines(screen: Screen): Progress {
  return {
    show(event) {
      const subject = nodeOf(event) ?? 'run';
      if (event.type !== 'step.log')
        screen.write(`  ${String(event.seq).padStart(3)}  ${event.type.padEnd(18)} ${subject}\n`);
    },
    close: () => undefined,
  };
}

function redrawnTable(nodes: readonly string[], screen: Screen): Progress {
  const rows = new Map<string, Row>(nodes.map((node) => [node, { node, state: 'pending', attempt: 0 }]));
  const run: Row = { node: 'run', state: 'pending', attempt: 0 };
  let drawn = 0;
  const draw = () => {
    const lines = [...rows.values(), run].map((row) => `${lineOf(row)}\n`);
    screen.write(`${drawn > 0 ? `\x1b[${drawn}A` : ''}${lines.map((line) => `\x1b[2K${line}`).join('')}`);
    drawn = lines.length;
  };
  // The seconds of a running step go on between events.
  const timer = setInterval(draw, 200);
  draw();
  return {
    show(event) {
      apply(rows, run, event);
      draw();
    },
    close() {
      clearInterval(timer);
      draw();
    },
  };
}

/** Takes one event into the rows; event times, not ours, so that a late reader sees true durations. */
function apply(rows: Map<string, Row>, run: Row, event: RunEvent): void {
  const [subject, state = ''] = event.type.split('.');
  const at = Date.parse(event.time);
  if (subject === 'run') {
    run.state = state;
    run.started_at ??= at;
    if (FINAL_RUN.test(event.type)) run.ended_at = at;
    return;
  }
  const node = nodeOf(event);
  if (subject !== 'step' || node === undefined || state === 'log') return;
  const row = rows.get(node) ?? { node, state: 'pending', attempt: 0 };
  rows.set(node, row);
  row.state = state === 'started' ? 'running' : state;
  row.attempt = Number(event.data.attempt ?? row.attempt);
  row.started_at ??= at;
  row.ended_at = ENDED.has(state) ? at : undefined;
}

function nodeOf(event: RunEvent): string | undefined {
  return typeof event.data.node === 'string' ? event.data.node : undefined;
}

function lineOf(row: Row): string {
  const seconds =
    row.started_at === undefined
      ? ''
      : `${(((row.ended_at ?? Date.now()) - row.started_at) / 1_000).toFixed(1)} s`;
  const attempt = row.attempt > 1 ? `attempt ${row.attempt}` : '';
  return `  ${MARKS[row.state] ?? '▸'} ${row.node.padEnd(14)} ${row.state.padEnd(11)} ${seconds.padStart(8)}  ${attempt}`.trimEnd();
}
