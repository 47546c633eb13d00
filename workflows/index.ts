export {
  dag,
  dag as code_analysis,
  dag as code_execution,
  dag as code_review,
  dag as deployment,
  dag as intent_processing,
} from './dag.ts';
export { healthSweep } from './health.ts';
export { fsck, garbageCollection, reconcile, retention, scheduledMaintenance } from './maintenance.ts';
export { refinement } from './refinement.ts';
export { reconcileSchedules, scheduledRun } from './scheduled-run.ts';
