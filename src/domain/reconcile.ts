import { AppError } from '../contract/errors.ts';
import type { ReconcileFinding, ReconcileReport } from '../contract/maintenance.ts';
import { isDatabaseAway } from '../persistence/db.ts';
import { suspects, type LookDeps, type Suspect } from './reconcile-look.ts';
import type { Difference } from './reconcile-run.ts';
import type { Watch } from './watch.ts';

export interface ReconcileDeps extends LookDeps {
  /** Told of everything that was put right. */
  onRepair: (finding: ReconcileFinding) => void;
  /** Told of a run that could not be examined or put right; the next pass tries again. */
  onError: (error: unknown, run_id: string) => void;
}

export interface ReconcileRequest {
  /** Otherwise it only looks. */
  repair: boolean;
  /** Told how many runs have been looked at. */
  watch?: Watch<number>;
}

export interface ReconcileService {
  /**
   * Holds every open run against Temporal and every open execution against its run, and puts right what differs. A
   * repair is written only while the run is as it was looked at: a live workflow always goes first.
   */
  pass(request: ReconcileRequest): Promise<ReconcileReport>;
}

const FINDINGS = 100;

export function reconcileService(deps: ReconcileDeps): ReconcileService {
  return {
    async pass({ repair, watch }) {
      const report: ReconcileReport = { checked: 0, repaired: {}, findings: [] };
      const onChecked = (runs: number) => {
        report.checked += runs;
        watch?.report?.(report.checked);
      };
      for await (const suspect of suspects(deps, onChecked)) {
        watch?.signal?.throwIfAborted();
        const finding = await examined(suspect, repair).catch((error: unknown) => skipped(error, suspect));
        if (!finding) continue;
        note(report, finding);
        if (finding.repaired) deps.onRepair(finding);
      }
      return report;
    },
  };

  /** One run that cannot be put right must not keep the others from it. */
  function skipped(error: unknown, { run_id }: Suspect): undefined {
    if (error instanceof AppError && error.family === 'unavailable') throw error;
    if (isDatabaseAway(error)) throw error;
    deps.onError(error, run_id);
  }
}

/** Undefined when nothing was wrong, or it has gone right by itself meanwhile. */
async function examined({ examine }: Suspect, repair: boolean): Promise<ReconcileFinding | undefined> {
  const difference = await examine();
  if (!difference) return undefined;
  if (!repair || !difference.repair) return found(difference, false);
  return (await difference.repair()) ? found(difference, true) : undefined;
}

const found = ({ kind, run_id, detail }: Difference, is_repaired: boolean): ReconcileFinding => ({
  kind,
  run_id,
  detail,
  repaired: is_repaired,
});

function note({ repaired, findings }: ReconcileReport, finding: ReconcileFinding): void {
  const { kind } = finding;
  if (finding.repaired) repaired[kind] = (repaired[kind] ?? 0) + 1;
  if (findings.length < FINDINGS) findings.push(finding);
}
