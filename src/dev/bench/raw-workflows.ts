/** The same work as the product's runs, written straight against Temporal's SDK. Bundled from its path by `raw.ts`. */
import { proxyActivities, proxyLocalActivities } from '@temporalio/workflow';

interface Steps {
  /** One more. */
  step(n: number): Promise<number>;
  /** The status of a GET. */
  get(url: string): Promise<number>;
}

const local = proxyLocalActivities<Steps>({ startToCloseTimeout: '30s' });
const remote = proxyActivities<Steps>({ startToCloseTimeout: '345s' });

/** Four sequential local activities: n + 4. */
export async function w4Local(n: number): Promise<number> {
  for (let i = 0; i < 4; i += 1) n = await local.step(n);
  return n;
}

/** Four sequential activities, each an HTTP call: the sum of the four statuses. */
export async function w4Activities(_n: number, url: string): Promise<number> {
  let sum = 0;
  for (let i = 0; i < 4; i += 1) sum += await remote.get(url);
  return sum;
}

/** A hundred local activities at once: the sum of (n + i + 1). */
export async function fanOut(n: number): Promise<number> {
  const values = await Promise.all(Array.from({ length: 100 }, (_, i) => local.step(n + i)));
  return values.reduce((sum, value) => sum + value, 0);
}

/** The floor of one execution. */
export function empty(n: number): Promise<number> {
  return Promise.resolve(n);
}
