import { CLIENTS, type Bed } from './bed.ts';
import { FAN_OUT, fanOutDefinition } from './definitions.ts';
import { driveLoad } from './load.ts';
import type { Measure, Pace } from './measure.ts';
import { alternate } from './pairs.ts';
import { cpuMs, treeCpuMs } from './proc.ts';
import type { RawWorkflow } from './raw.ts';
import { comparedRow, generatorNote } from './rows.ts';
import { httpRun, lightRun, publish, runOnce } from './runs.ts';
import type { Figures } from './stats.ts';

export const w4Light: Measure = async (bed, pace) => {
  const once = await lightRun(bed);
  const clients = clientsOf(pace);
  const load = { clients, seconds: 5 * pace.scale };
  const rounds = await compare({ bed, pace, once, workflow: 'w4Local' }, load, {
    floor: () => rawLoad(bed, 'empty', load),
  });
  const against = 'raw SDK, 4 local activities';
  const note = generatorNote(rounds);
  const about = { against, note };
  const floors = rounds.map(({ ours, floor }) => ({ ours, reference: floor }));
  const floor = { against: 'raw SDK, empty workflow' };
  return {
    rows: [
      comparedRow(rounds, {
        name: `W4 light, ${clients} clients`,
        unit: 'runs/s',
        figure: 'per_second',
        target: { of: 'ratio', at_least: 0.8 },
        ...about,
      }),
      comparedRow(floors, {
        name: `W4 light, ${clients} clients, to the floor`,
        unit: 'runs/s',
        figure: 'per_second',
        ...floor,
      }),
      comparedRow(rounds, {
        name: `W4 light, ${clients} clients, p50`,
        unit: 'ms',
        figure: 'p50_ms',
        against,
      }),
      comparedRow(rounds, {
        name: `W4 light, ${clients} clients, p95`,
        unit: 'ms',
        figure: 'p95_ms',
        against,
      }),
      comparedRow(rounds, {
        name: 'W4 light, CPU per run',
        unit: 'ms',
        figure: 'cpu_ms',
        against,
        note: cpuNote(rounds),
      }),
    ],
    details: { rounds },
  };
};

export const w4Alone: Measure = async (bed, pace) => {
  const once = await lightRun(bed);
  const rounds = await compare(
    { bed, pace, once, workflow: 'w4Local' },
    { clients: 1, seconds: 3 * pace.scale },
  );
  const against = 'raw SDK, 4 local activities';
  return {
    rows: [
      comparedRow(rounds, {
        name: 'W4 light alone, p50',
        unit: 'ms',
        figure: 'p50_ms',
        against,
        target: { of: 'ratio', at_most: 1.5 },
      }),
      comparedRow(rounds, { name: 'W4 light alone, p95', unit: 'ms', figure: 'p95_ms', against }),
    ],
    details: { rounds },
  };
};

export const w4Activities: Measure = async (bed, pace) => {
  const once = await httpRun(bed);
  const clients = clientsOf(pace);
  const load = { clients, seconds: 6 * pace.scale };
  const rounds = await compare({ bed, pace, once, workflow: 'w4Activities' }, load);
  const against = 'raw SDK, 4 activities with the same call';
  const about = { against, note: generatorNote(rounds) };
  return {
    rows: [
      comparedRow(rounds, {
        name: `W4 of http steps, ${clients} clients`,
        unit: 'runs/s',
        figure: 'per_second',
        target: { of: 'ratio', at_least: 0.9 },
        ...about,
      }),
      comparedRow(rounds, {
        name: `W4 of http steps, ${clients} clients, p50`,
        unit: 'ms',
        figure: 'p50_ms',
        against,
      }),
      comparedRow(rounds, {
        name: `W4 of http steps, ${clients} clients, p95`,
        unit: 'ms',
        figure: 'p95_ms',
        against,
      }),
      comparedRow(rounds, {
        name: 'W4 of http steps, CPU per run',
        unit: 'ms',
        figure: 'cpu_ms',
        against,
        note: cpuNote(rounds),
      }),
    ],
    details: { rounds },
  };
};

export const fanOut: Measure = async (bed, pace) => {
  const tag = 'bench-fan-out';
  await publish(bed.api, tag, fanOutDefinition(tag));
  const outputOf = (n: number) =>
    Object.fromEntries(Array.from({ length: FAN_OUT }, (_, i) => [`f${i}`, n + i]));
  const once = () => runOnce(bed.api, tag, outputOf);
  const rounds = await compare(
    { bed, pace, once, workflow: 'fanOut' },
    { clients: 1, seconds: 3 * pace.scale },
  );
  const against = `raw SDK, ${FAN_OUT} local activities`;
  return {
    rows: [
      comparedRow(rounds, {
        name: `${FAN_OUT} parallel light steps, p50`,
        unit: 'ms',
        figure: 'p50_ms',
        against,
        target: { of: 'ratio', at_most: 1.5 },
      }),
    ],
    details: { rounds },
  };
};

/** A sample lasts as long as one run of each client at least, which fifty take too long for in a quick look. */
const clientsOf = (pace: Pace) => (pace.quick ? 10 : CLIENTS);

interface Compared {
  bed: Bed;
  pace: Pace;
  once: () => Promise<unknown>;
  workflow: RawWorkflow;
}
interface Load {
  clients: number;
  seconds: number;
}

/** Warms both sides up, then takes the samples. */
async function compare<N extends string = never>(
  { bed, pace, once, workflow }: Compared,
  load: Load,
  more = {} as Record<N, () => Promise<Figures>>,
) {
  const contest = {
    ours: () => driveRuns(bed, load, once),
    reference: () => rawLoad(bed, workflow, load),
    ...more,
  };
  const warm = { clients: load.clients, seconds: pace.warm_seconds };
  await driveRuns(bed, warm, once);
  await rawLoad(bed, workflow, warm);
  return alternate<'ours' | 'reference' | N>(pace.rounds, contest);
}

/** CPU per run is that of the servers and of the process(es) under test; the HTTP generator is not part of ours. */
function driveRuns(bed: Bed, load: Load, once: () => Promise<unknown>): Promise<Figures> {
  return withCpu(bed, bed.product.pid, () => driveLoad({ ...load, once: async () => void (await once()) }));
}

/** The reference's generator is in its worker's process, as is its worker: both are counted. */
function rawLoad(bed: Bed, workflow: RawWorkflow, load: Load): Promise<Figures> {
  return withCpu(bed, bed.raw.pid, () => bed.raw.call('load', { workflow, ...load }));
}

async function withCpu({ services }: Bed, pid: number, drive: () => Promise<Figures>): Promise<Figures> {
  const look = () => ({
    process: cpuMs(pid),
    temporal: cpuMs(services.temporal.pid()),
    postgres: treeCpuMs(services.postgres.pid()),
  });
  const before = look();
  const figures = await drive();
  const after = look();
  const turns = figures.turns ?? NaN;
  const process_cpu_ms = (after.process - before.process) / turns;
  const temporal_cpu_ms = (after.temporal - before.temporal) / turns;
  const postgres_cpu_ms = (after.postgres - before.postgres) / turns;
  const cpu_ms = process_cpu_ms + temporal_cpu_ms + postgres_cpu_ms;
  return { ...figures, cpu_ms, process_cpu_ms, temporal_cpu_ms, postgres_cpu_ms };
}

function cpuNote(rounds: readonly Record<'ours' | 'reference', Figures>[]): string {
  const parts = (who: 'ours' | 'reference') => {
    const of = (name: string) =>
      (rounds.reduce((sum, round) => sum + (round[who][name] ?? 0), 0) / rounds.length).toFixed(1);
    return `process ${of('process_cpu_ms')}, Temporal ${of('temporal_cpu_ms')}, PostgreSQL ${of('postgres_cpu_ms')}`;
  };
  return `ms per run, ours: ${parts('ours')}; raw (its client is in its process): ${parts('reference')}`;
}
