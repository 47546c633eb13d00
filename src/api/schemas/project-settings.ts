import { z } from 'zod';

const MANY = 1_000_000;
const max_open_runs = z.int().min(1).max(MANY).nullable();
const max_runs_per_day = z.int().min(1).max(MANY).nullable();
const run_retention_days = z.int().min(0).max(36_500).nullable();

export const projectSettingsBody = z.strictObject({
  max_open_runs: max_open_runs
    .default(null)
    .meta({ description: 'Runs that may be open at once, children not counted; null is any number.' }),
  max_runs_per_day: max_runs_per_day.default(null).meta({
    description: 'Runs that may be started within 24 hours, children not counted; null is any number.',
  }),
  run_retention_days: run_retention_days.default(null).meta({
    description: 'How long a run is kept after its end; 0 is for ever, null as the installation says.',
  }),
});

export const projectSettingsView = z.object({ max_open_runs, max_runs_per_day, run_retention_days });
