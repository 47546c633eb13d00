import { createHash } from 'node:crypto';
import { definition, transform } from '../support/definitions.ts';
import { historiesOf, withTemporal } from '../support/executions.ts';
import { LIMIT_MS, numbers, sized } from '../support/faults.ts';
import { contradictions } from '../support/model-check.ts';
import { startProduct, type Product } from '../support/product.ts';
import { testTemporal } from '../support/stack.ts';

const MIB = 1024 * 1024;
// No file of a program is above 16 MiB, however much it may keep.
const FILE_MIB = sized({ short: 12, full: 10 });
const FILES = sized({ short: 1, full: 5 });
const INPUT_BYTES = 5 * MIB;
const CAP_BYTES = 6 * MIB;
const PAYLOAD_BYTES = 128 * 1024;

let product: Product;
beforeAll(async () => {
  product = await startProduct({
    code: true,
    env: {
      ORCHESTRATOR_LIMITS_INPUT_BYTES: String(CAP_BYTES),
      ORCHESTRATOR_LIMITS_BODY_BYTES: String(2 * CAP_BYTES),
    },
  });
}, LIMIT_MS);
afterAll(() => product?.stop());

interface File {
  path: string;
  cas_id: string;
  size_bytes: number;
}

test(
  `A10 ${FILES * FILE_MIB} MiB of artifacts and a 5 MiB input travel by digest: no payload in Temporal exceeds 128 KiB`,
  async () => {
    await product.publish(
      'large',
      definition('large', {
        made: {
          type: 'code',
          config: {
            language: 'bash',
            source: `for n in {1..${FILES}}; do yes $n | head -c ${FILE_MIB * MIB} > out/$n.bin; done`,
            limits: { artifact_bytes: 64 * MIB },
          },
        },
        read: transform('${{ size(input.text) + size(input.list) }}'),
        each: {
          type: 'map',
          config: {
            items: '${{ input.list }}',
            node: { type: 'transform', config: { value: '${{ size(input.text) + item }}' } },
          },
        },
      }),
    );
    const text = 'x'.repeat(INPUT_BYTES - 100_000);
    const { id } = await product.start('large', { text, list: numbers(20) });
    const run = await product.ended(id, 60);
    expect({ state: run.state, error: run.error }).toEqual({ state: 'completed', error: null });
    const steps = await product.steps(id);
    const made = steps.find(({ node }) => node === 'made')?.output as { artifacts: File[] };
    expect(made.artifacts).toHaveLength(FILES);
    for (const { cas_id, size_bytes } of made.artifacts) {
      expect(size_bytes).toBe(FILE_MIB * MIB);
      const answer = await fetch(`${product.url}/api/v1/blobs/${cas_id}`, {
        headers: { authorization: `Bearer ${product.token}` },
      });
      const bytes = Buffer.from(await answer.arrayBuffer());
      expect(`sha256:${createHash('sha256').update(bytes).digest('hex')}`).toBe(cas_id);
    }
    expect(steps.find(({ node }) => node === 'read')?.output).toBe(text.length + 20);
    const largest = await withTemporal(testTemporal(), async (client) =>
      Math.max(...payloads((await historiesOf(client, id)).flat())),
    );
    expect(largest).toBeGreaterThan(100);
    expect(largest).toBeLessThanOrEqual(PAYLOAD_BYTES);
    expect(await contradictions(product.database_url, testTemporal())).toEqual([]);
  },
  LIMIT_MS,
);

test('A10 an input over the cap is 413, and there is neither a run nor a workflow', async () => {
  await product.publish('small', definition('small', { a: transform(1) }));
  const count = async () => (await product.database.pool.query('SELECT FROM run')).rowCount;
  const before = await count();
  const answer = await product.call('POST', '/runs', {
    workflow: 'small',
    input: { text: 'x'.repeat(CAP_BYTES) },
  });
  expect(answer.status).toBe(413);
  expect(await count()).toBe(before);
  expect((await product.database.pool.query("SELECT FROM outbox WHERE kind = 'start'")).rowCount).toBe(0);
});

/** Bytes of every payload anywhere in these events. */
function payloads(value: unknown): number[] {
  if (value === null || typeof value !== 'object' || value instanceof Uint8Array) return [];
  const { data, metadata } = value as { data?: unknown; metadata?: unknown };
  const own = metadata !== undefined && data instanceof Uint8Array ? [data.length] : [];
  return [...own, ...Object.values(value).flatMap(payloads)];
}
