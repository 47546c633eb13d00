/** The middle of several figures and how far they lie apart. */
export interface Spread {
  median: number;
  min: number;
  max: number;
}

/** Named figures of one sample, such as `{ per_second, p50_ms }`. */
export type Figures = Record<string, number>;

export function spread(values: readonly number[]): Spread {
  return { median: quantile(values, 0.5), min: Math.min(...values), max: Math.max(...values) };
}

/** The value that the share `q` of all values does not exceed; linear in between. Throws for an empty list. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (sorted.length - 1) * q;
  const [low, high] = [sorted[Math.floor(at)], sorted[Math.ceil(at)]];
  if (low === undefined || high === undefined) throw new Error('There is no quantile of nothing.');
  return low + (high - low) * (at - Math.floor(at));
}
