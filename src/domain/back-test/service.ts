import { setImmediate as others } from 'node:timers/promises';
import type { BackTest, RunBackTest } from '../../contract/back-test.ts';
import type { Definition } from '../../contract/definition.ts';
import { AppError } from '../../contract/errors.ts';
import type { Json } from '../../contract/json.ts';
import { boundedCache } from '../../language/bounded-cache.ts';
import { hashJson } from '../../language/content-hash.ts';
import type { BackTestRepository } from '../../persistence/back-tests.ts';
import type { RunRow } from '../../persistence/runs.ts';
import type { BlobService } from '../blobs.ts';
import { type LoadDeps, runLoader, versionOf } from './load.ts';
import type { RecordedRun, Version } from './recorded.ts';
import { backTestRun, type ReportedRun } from './report.ts';
import { summaryOf } from './summary.ts';

export interface BackTestLimits {
  /** Of one run, and of all together, in which this process does nothing else. */
  run_ms: number;
  total_ms: number;
  /** Of outputs, in rows and blobs. */
  bytes: number;
}

interface Deps extends LoadDeps {
  rows: BackTestRepository;
  blobs: Pick<BlobService, 'get' | 'head'>;
  /** Milliseconds that only go on. */
  now_ms: () => number;
  limits: BackTestLimits;
}

export interface BackTestRequest {
  workflow: string;
  definition: Definition;
  runs: number;
}

interface Budget {
  ms: number;
  bytes: number;
}

const KEPT = 50;
/** Each time, what was missed is read: a step that was worked out with it may need more. */
const READS = 4;

/**
 * Tries a definition on the newest runs of a workflow that ended as completed or failed. Nothing is carried out. One at a
 * time in a process, with room for others between the runs.
 */
export function backTestService(deps: Deps) {
  const { rows, blobs, now_ms, limits } = deps;
  const load = runLoader(deps);
  const kept = boundedCache<BackTest>(KEPT);
  let last: Promise<unknown> = Promise.resolve();

  /** Blobs that are gone, or too large for what is left, are null. */
  async function read(
    project_id: string,
    refs: Iterable<string>,
    budget: Budget,
    into: Map<string, Json | null>,
  ) {
    for (const ref of refs) {
      const { size_bytes } = await blobs.head(project_id, ref).catch(goneAsNone);
      const fits = size_bytes <= budget.bytes;
      if (fits) budget.bytes -= size_bytes;
      into.set(ref, fits ? await parsed(project_id, ref) : null);
    }
  }

  async function parsed(project_id: string, ref: string): Promise<Json> {
    return JSON.parse((await blobs.get(project_id, ref)).bytes.toString('utf8')) as Json;
  }

  async function tryOn(now: Version, row: RunRow, budget: Budget): Promise<RunBackTest> {
    const { then, run, bytes } = await load(row);
    budget.bytes -= bytes;
    const said = await reported({ then, now, run }, row.project_id, budget);
    return { run_id: row.id, version_hash: row.version_hash!, created_at: row.created_at, ...said };
  }

  async function reported(
    versions: { then: Version; now: Version; run: RecordedRun },
    project_id: string,
    budget: Budget,
  ): Promise<ReportedRun> {
    const read_blobs = new Map<string, Json | null>();
    for (let reads = 0; ; reads++) {
      await others();
      const began = now_ms();
      const until = began + Math.min(limits.run_ms, budget.ms);
      const isOutOfTime = () => now_ms() > until;
      const { said, wanted } = backTestRun({ ...versions, blobs: read_blobs, isOutOfTime });
      budget.ms -= now_ms() - began;
      if (wanted.size === 0 || reads === READS || budget.ms <= 0) return said;
      await read(project_id, wanted, budget, read_blobs);
    }
  }

  async function compute(request: BackTestRequest, version_hash: string, found: RunRow[]): Promise<BackTest> {
    const now = versionOf(request.definition, version_hash);
    const budget: Budget = { ms: limits.total_ms, bytes: limits.bytes };
    const runs: RunBackTest[] = [];
    for (const row of found) {
      if (budget.ms <= 0 || budget.bytes <= 0) break;
      runs.push(await tryOn(now, row, budget));
    }
    const left_out = found.length - runs.length;
    return { workflow: request.workflow, version_hash, ...summaryOf(runs), runs, left_out };
  }

  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = last.then(work);
    last = turn.catch(() => undefined);
    return turn;
  }

  return {
    /** `definition` is a valid one. Throws `blob_collected` when a version that ran is gone. */
    async run(project_id: string, request: BackTestRequest): Promise<BackTest> {
      const found = await rows.ended(project_id, request.workflow, request.runs);
      const version_hash = hashJson(request.definition as unknown as Json);
      const ended = found.map(({ id, epoch, ended_at }) => [id, epoch, ended_at?.toISOString() ?? null]);
      const key = hashJson([project_id, request.workflow, version_hash, ended]);
      return (
        kept.get(key) ??
        inTurn(async () => kept.get(key) ?? keep(key, await compute(request, version_hash, found)))
      );
    },
  };

  /** What a fuller budget, or a quieter machine, would make better is worked out again. */
  function keep(key: string, result: BackTest): BackTest {
    const cut = result.runs.some(({ unknown }) => unknown.some(({ reason }) => reason === 'out_of_time'));
    return cut || result.left_out > 0 ? result : kept.set(key, result);
  }
}

export type BackTestService = ReturnType<typeof backTestService>;

function goneAsNone(error: unknown): { size_bytes: number } {
  const is_gone =
    error instanceof AppError && (error.code === 'blob_collected' || error.code === 'not_found');
  if (is_gone) return { size_bytes: Infinity };
  throw error;
}
