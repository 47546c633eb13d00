export { dag } from './dag.ts';
export { healthSweep } from './health.ts';
export { fsck, garbageCollection, reconcile, retention, scheduledMaintenance } from './maintenance.ts';
export { reconcileSchedules, scheduledRun } from './scheduled-run.ts';
