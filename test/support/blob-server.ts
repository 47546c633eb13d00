/** A process of its own that serves blobs, to be measured and killed. Started by `spawnBlobServer`. */
import { v7 } from 'uuid';
import { listeningApi, LIMITS } from '../../src/api/app-fixture.ts';
import { blobRoutes } from '../../src/api/routes/blobs.ts';
import { directoryObjects } from '../../src/clients/objects/directory.ts';
import { s3Objects } from '../../src/clients/objects/s3.ts';
import { spoolDirectory } from '../../src/clients/objects/spool.ts';
import { type ObjectStore, SLICE_BYTES } from '../../src/contract/object-store.ts';
import { objectStores } from '../../src/domain/object-stores.ts';
import { storeServices } from '../../src/domain/store.ts';
import { openDatabase } from '../../src/persistence/db.ts';
import { postgresObjects } from '../../src/persistence/objects.ts';
import type { BlobServerOptions } from './blob-process.ts';

const MAX_BYTES = 67_108_864;
const SAMPLE_MS = 2;

const options = JSON.parse(process.argv[2]!) as BlobServerOptions;
const { db } = openDatabase({ url: options.database_url, max_connections: 4 });
const real = options.s3
  ? s3Objects(options.s3)
  : options.directory
    ? directoryObjects(options.directory)
    : postgresObjects(db);
const store = storeServices({
  db,
  ids: v7,
  limits: { blob_bytes: MAX_BYTES },
  objects: objectStores(options.stop_in_put ? stoppingInPut(real) : real),
  spools: spoolDirectory(options.spool_directory),
});
const api = await listeningApi(blobRoutes(store), { limits: { ...LIMITS, blob_bytes: MAX_BYTES } });

let peak_bytes = 0;
setInterval(() => (peak_bytes = Math.max(peak_bytes, process.memoryUsage.rss())), SAMPLE_MS);
process.on('message', () => {
  process.send!({ rss_bytes: process.memoryUsage.rss(), peak_bytes });
  peak_bytes = 0;
});
process.send!({ url: api.url });

/** Gives the store all but the last slice, says so, and then nothing more. */
function stoppingInPut(inner: ObjectStore): ObjectStore {
  return {
    ...inner,
    put: (key, size_bytes, slices) => inner.put(key, size_bytes, upToTheLast(size_bytes, slices)),
  };
}

async function* upToTheLast(size_bytes: number, slices: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let given = 0;
  for await (const slice of slices) {
    given += slice.length;
    if (given > size_bytes - SLICE_BYTES) {
      process.send!({ stopped: true });
      await new Promise(() => undefined);
    }
    yield slice;
  }
}
