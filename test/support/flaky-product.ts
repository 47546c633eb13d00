import { startFlakyServer, type FlakyServer } from './flaky-server.ts';
import { startProduct, type Product, type ProductOptions } from './product.ts';
import { stopSoundly } from './stop-soundly.ts';

export interface FlakyProduct {
  product: Product;
  server: FlakyServer;
  stop(): Promise<void>;
}

/** A product whose `http` nodes may ask a server that fails, holds and tarries as its paths say. */
export async function startFlakyProduct(options: ProductOptions = {}): Promise<FlakyProduct> {
  const server = await startFlakyServer();
  const env = { ORCHESTRATOR_HTTP_NODE_ALLOW_HOSTS: '127.0.0.1', ...options.env };
  const product = await startProduct({ ...options, env });
  return { product, server, stop: () => stopSoundly(product).finally(() => server.close()) };
}
