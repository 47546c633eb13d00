/** What is counted. Names of routes are patterns (`/runs/:id`), so that the number of series stays small. */
export interface Metrics {
  requestDone(route: string, method: string, status: number, seconds: number): void;
  runStarted(type: string): void;
  runEnded(type: string, state: string, seconds: number): void;
  /** A tag was written past its gate. */
  glassBroken(command: string): void;
  /** A run was found to differ from Temporal and put right. */
  runRepaired(kind: string): void;
  /** What became of a firing: `started`, `refused`. */
  scheduleFired(outcome: string): void;
  /** A schedule in Temporal differed from its definition and was put right. */
  scheduleRepaired(drift: string): void;
  /** What became of a delivery to an inbound webhook: `started`, `repeated`, or the code it was refused with. */
  hookDelivered(outcome: string): void;
  /** A sink (`redis`, `kafka`) has taken events, or failed to. */
  eventsSent(sink: string, count: number): void;
  sinkFailed(sink: string): void;
  /** A webhook delivery was tried, and is now `pending`, `delivered` or `dead`. */
  webhookTried(state: string): void;
  /** The cache of runs was asked: `hit`, `miss`, or `away`. */
  runCacheAsked(outcome: string): void;
  /** Asked at every scrape: how many runs are not final. */
  observeActive(count: () => number | Promise<number>): void;
}

/** Counts nothing: for tests and for processes without a metrics port. */
export const NO_METRICS: Metrics = {
  requestDone: () => undefined,
  runStarted: () => undefined,
  runEnded: () => undefined,
  glassBroken: () => undefined,
  eventsSent: () => undefined,
  sinkFailed: () => undefined,
  webhookTried: () => undefined,
  runCacheAsked: () => undefined,
  runRepaired: () => undefined,
  scheduleFired: () => undefined,
  scheduleRepaired: () => undefined,
  hookDelivered: () => undefined,
  observeActive: () => undefined,
};
