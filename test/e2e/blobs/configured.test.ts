import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { casIdOf } from '../../support/blob-api.ts';
import { definition, transform } from '../../support/definitions.ts';
import { type S3Server, startS3 } from '../../support/object-stores.ts';
import { startProduct, type Product } from '../../support/product.ts';

let directory: string;
let s3: S3Server;
let product: Product;

beforeAll(async () => {
  directory = await mkdtemp(path.join(os.tmpdir(), 'orchestrator-objects-'));
  s3 = await startS3(directory);
  const { endpoint, bucket, credentials } = s3.options;
  product = await startProduct({
    code: true,
    env: {
      ORCHESTRATOR_STORE_INLINE_BLOB_BYTES: '1000',
      ORCHESTRATOR_STORE_OBJECT_STORE: 's3',
      ORCHESTRATOR_STORE_S3_ENDPOINT: endpoint!,
      ORCHESTRATOR_STORE_S3_BUCKET: bucket,
      ORCHESTRATOR_STORE_S3_ACCESS_KEY_ID: credentials!.access_key_id,
      ORCHESTRATOR_STORE_S3_SECRET_ACCESS_KEY: credentials!.secret_access_key,
    },
  });
});
afterAll(async () => {
  await product?.stop();
  await s3?.stop();
  await rm(directory, { recursive: true, force: true });
});

const send = (method: string, path: string, body?: Buffer) =>
  fetch(`${product.url}/api/v1${path}`, {
    method,
    body,
    headers: { authorization: `Bearer ${product.token}` },
  });

async function placeOf(cas_id: string): Promise<string | null> {
  const { rows } = await product.database.pool.query<{ storage_url: string | null }>(
    'SELECT storage_url FROM cas_blob WHERE cas_id = $1',
    [cas_id],
  );
  return rows[0]!.storage_url;
}

it('the product keeps large blobs where it is told to, and small ones in the database', async () => {
  const [small, large] = [randomBytes(1_000), randomBytes(3_000_000)];
  for (const bytes of [small, large]) {
    expect((await send('PUT', '/blobs', bytes)).status).toBe(201);
    const got = await send('GET', `/blobs/${casIdOf(bytes)}`);
    expect(Buffer.from(await got.arrayBuffer()).equals(bytes)).toBe(true);
  }
  expect(await placeOf(casIdOf(small))).toBeNull();
  expect(await placeOf(casIdOf(large))).toMatch(/^s3:blobs\/[0-9a-f]{64}\//);
});

it('runs read and write values, files and outputs of programs there', async () => {
  const file = randomBytes(200_000);
  await send('PUT', '/blobs', file);
  const nodes = {
    list: transform('${{ input.list + input.list }}'),
    program: {
      type: 'code',
      needs: ['list'],
      config: {
        language: 'bash',
        source: 'cat data.bin data.bin > out/twice.bin; wc -c | tr -d " "',
        stdin: '${{ steps.list.output }}',
      },
    },
  };
  await product.publish('placed', { ...definition('placed', nodes), files: { 'data.bin': casIdOf(file) } });
  const run = await product.start('placed', { list: Array.from({ length: 10_000 }, (_, n) => n) });
  expect(await product.ended(run.id)).toMatchObject({ state: 'completed' });
  const [list, program] = ['list', 'program'].map(async (node) =>
    (await product.steps(run.id)).find((step) => step.node === node),
  );
  const { output_ref } = (await list)!;
  expect(await placeOf(String(output_ref))).toMatch(/^s3:blobs/);
  const { output } = (await program) as unknown as { output: { artifacts: { cas_id: string }[] } };
  const artifact = output.artifacts[0]!.cas_id;
  expect(artifact).toBe(casIdOf(Buffer.concat([file, file])));
  expect(await placeOf(artifact)).toMatch(/^s3:blobs/);
});
