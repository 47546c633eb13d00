/** What a project sets for itself; null: what the installation says. */
export interface ProjectSettings {
  /** Runs that may be open at once. */
  max_open_runs: number | null;
  /** Runs that may be started within 24 hours. */
  max_runs_per_day: number | null;
  /** How long a run is kept after its end; 0 is for ever. */
  run_retention_days: number | null;
}

/** Of a project that has set nothing. */
export const NO_SETTINGS: ProjectSettings = {
  max_open_runs: null,
  max_runs_per_day: null,
  run_retention_days: null,
};
