import { contradictions } from './model-check.ts';
import type { Product } from './product.ts';
import { testTemporal } from './stack.ts';

/**
 * Ends a product of which rows, events and Temporal must tell the same story. It is stopped whatever they tell: other files come after
 * this one in the same process.
 */
export async function stopSoundly(product: Product): Promise<void> {
  const found = await contradictions(product.database_url, testTemporal());
  await product.stop();
  expect(found).toEqual([]);
}
