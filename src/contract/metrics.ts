/** What is counted. Names of routes are patterns (`/runs/:id`), so that the number of series stays small. */
export interface Metrics {
  requestDone(route: string, method: string, status: number, seconds: number): void;
  runStarted(type: string): void;
  runEnded(type: string, state: string, seconds: number): void;
  /** A tag was written past its gate. */
  glassBroken(command: string): void;
  /** Asked at every scrape: how many runs are not final. */
  observeActive(count: () => number | Promise<number>): void;
}

/** Counts nothing: for tests and for processes without a metrics port. */
export const NO_METRICS: Metrics = {
  requestDone: () => undefined,
  runStarted: () => undefined,
  runEnded: () => undefined,
  glassBroken: () => undefined,
  observeActive: () => undefined,
};
