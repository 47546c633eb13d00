import { CLIENTS, type Bed } from './bed.ts';
import { lightDefinition } from './definitions.ts';
import type { HttpClient } from './http-client.ts';
import { driveLoad } from './load.ts';
import type { Measure, Pace } from './measure.ts';
import { lightRun, publish } from './runs.ts';
import { alternate, type Round } from './pairs.ts';
import { cpuMs } from './proc.ts';
import { comparedRow, generatorNote } from './rows.ts';
import type { Figures } from './stats.ts';

const SECONDS = 3;
let last_row = 0;

/** One more row of the reference; its key is the answer. */
export async function insertRow(web: HttpClient, value: unknown = { n: 1 }): Promise<string> {
  const key = `row-${++last_row}`;
  const row = await web.json<{ key: string }>([201], 'POST', '/rows', { key, value });
  if (row.key !== key) throw new Error(`The reference answered ${JSON.stringify(row)}`);
  return key;
}

export const tagMoves: Measure = async (bed, pace) => {
  const move = await tagMover(bed);
  const rounds = await compare(pace, {
    ours: () =>
      driveLoad({ clients: CLIENTS, seconds: SECONDS * pace.scale, once: (_, client) => move(client) }),
    reference: () =>
      driveLoad({
        clients: CLIENTS,
        seconds: SECONDS * pace.scale,
        once: async () => void (await insertRow(bed.web)),
      }),
  });
  const against = 'Express + pg, one insert';
  const about = { against, note: generatorNote(rounds) };
  return {
    rows: [
      comparedRow(rounds, {
        name: `Tag moves, ${CLIENTS} clients`,
        unit: 'req/s',
        figure: 'per_second',
        target: { of: 'ratio', at_least: 0.35 },
        ...about,
      }),
      comparedRow(rounds, {
        name: `Tag moves, ${CLIENTS} clients, p95`,
        unit: 'ms',
        figure: 'p95_ms',
        against,
      }),
    ],
    details: { rounds },
  };
};

/** Each client has a tag of its own and moves it to and fro between two versions, expecting where it is. */
async function tagMover({ api }: Bed): Promise<(client: number) => Promise<void>> {
  const targets = await Promise.all(
    ['bench-move-a', 'bench-move-b'].map(
      async (name) => (await publish(api, name, lightDefinition(name))).artifact_id,
    ),
  );
  const put = (name: string, target: string | undefined, expected_version: number | null) =>
    api.json<{ version: number; target_id: string }>([200, 201], 'PUT', `/api/v1/tags/${name}`, {
      target,
      expected_version,
    });
  const tagOf = (client: number) => `bench-moved-${client}`;
  const versions = await Promise.all(
    Array.from(
      { length: CLIENTS },
      async (_, client) => (await put(tagOf(client), targets[0], null)).version,
    ),
  );
  return async (client) => {
    const version = versions[client] ?? 0;
    const target = targets[version % 2];
    const moved = await put(tagOf(client), target, version);
    if (moved.target_id !== target || moved.version !== version + 1)
      throw new Error(`A move gave ${JSON.stringify(moved)}`);
    versions[client] = moved.version;
  };
}

export const reads: Measure = async (bed, pace) => {
  const run_id = await (await lightRun(bed))();
  const tag = 'bench-light';
  const key = await insertRow(bed.web);
  const { api, web, product } = bed;
  const seconds = SECONDS * pace.scale;
  const read = (client: HttpClient, path: string, expected: [string, string], pid?: number) => () =>
    withCpuPerTurn(pid, () =>
      driveLoad({ clients: CLIENTS, seconds, once: () => readOne(client, path, expected) }),
    );
  const rounds = await alternate(pace.rounds, {
    tag: read(api, `/api/v1/tags/${tag}`, ['name', tag], product.pid),
    run: read(api, `/api/v1/runs/${run_id}`, ['id', run_id], product.pid),
    select: read(web, `/rows/${key}`, ['key', key]),
    empty: read(web, '/empty', ['', '']),
  });
  const pairsOf = (ours: 'tag' | 'run', reference: 'select' | 'empty') =>
    rounds.map((round) => ({ ours: round[ours], reference: round[reference] }));
  const rowOf = (ours: 'tag' | 'run') => {
    const pairs = pairsOf(ours, 'select');
    const name = `Read of a ${ours}, ${CLIENTS} clients`;
    const note = `${generatorNote(pairs)}; product CPU ${average(pairs, 'cpu_ms').toFixed(2)} ms per read`;
    return comparedRow(pairs, {
      name,
      unit: 'req/s',
      figure: 'per_second',
      against: 'Express + pg, one select',
      target: { of: 'ratio', at_least: 0.6 },
      note,
    });
  };
  const empty = { unit: 'req/s', figure: 'per_second', against: 'Express, empty answer' };
  const empty_note = generatorNote(pairsOf('tag', 'empty'));
  return {
    rows: [
      rowOf('tag'),
      rowOf('run'),
      comparedRow(pairsOf('tag', 'empty'), {
        name: `Read of a tag, ${CLIENTS} clients`,
        ...empty,
        note: empty_note,
      }),
    ],
    details: { rounds },
  };
};

/** Reads and checks one field of the answer; an empty name means that an empty object is right. */
export async function readOne(
  client: HttpClient,
  path: string,
  [name, value]: [string, string],
): Promise<void> {
  const { status, body } = await client.request({ method: 'GET', path });
  const found = JSON.parse(body.toString()) as Record<string, unknown>;
  const right = name === '' ? Object.keys(found).length === 0 : found[name] === value;
  if (status !== 200 || !right)
    throw new Error(`GET ${path} answered ${status}: ${body.toString().slice(0, 300)}`);
}

async function withCpuPerTurn(pid: number | undefined, drive: () => Promise<Figures>): Promise<Figures> {
  const before = pid === undefined ? 0 : cpuMs(pid);
  const figures = await drive();
  return pid === undefined ? figures : { ...figures, cpu_ms: (cpuMs(pid) - before) / (figures.turns ?? NaN) };
}

function average(rounds: readonly Round<'ours' | 'reference'>[], figure: string): number {
  return rounds.reduce((sum, { ours }) => sum + (ours[figure] ?? 0), 0) / rounds.length;
}

/** One short sample of each to warm up, then the pairs. */
async function compare(pace: Pace, contest: Record<'ours' | 'reference', () => Promise<Figures>>) {
  await alternate(1, contest);
  return alternate(pace.rounds, contest);
}
