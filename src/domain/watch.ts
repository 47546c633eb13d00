/** What the caller of a long job keeps: told of progress, and able to end it between two steps. */
export interface Watch<P> {
  /** What an earlier attempt reported last that did not end. */
  from?: P;
  report?: (progress: P) => void;
  signal?: AbortSignal;
}

/** Progress through things in order, and the last one that is done. */
export type Resumed<T> = T & { after: string };
