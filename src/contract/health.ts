/** What a look at silent runs came to. */
export interface HealthReport {
  heartbeat_stale: number;
  unresponsive: number;
}

export interface HealthActivities {
  judgeSilence(): Promise<HealthReport>;
}

/** Temporal workflow types by name. */
export interface HealthWorkflows {
  healthSweep(): Promise<HealthReport>;
}
