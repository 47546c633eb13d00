export { dag } from './dag.ts';
export { fsck, garbageCollection, retention, scheduledMaintenance } from './maintenance.ts';
