import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, readlink, rename, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { DeployFailure, type DeployRequest, type Release } from '../../contract/deployer.ts';
import { copyArtifact, syncFolder } from './artifact-copy.ts';

/** A release with what it was configured with when it last went live: a hash, or null. */
export interface StoredRelease extends Release {
  configuration: string | null;
}

/**
 * Releases of one environment in one directory: `releases/<id>/` with their files, `records/<id>.json`, and the link
 * `current` to the live one. Every step is one rename, so that a crash leaves the state before it or after it.
 */
export interface ReleaseStore {
  /** Stores a release, whole and on disk; does nothing when it is there. Throws `release_conflict`. */
  put(request: PutRequest): Promise<StoredRelease>;
  current(): Promise<StoredRelease | null>;
  /** Makes a stored release the current one; none when null. */
  activate(release_id: string | null, configuration?: string): Promise<StoredRelease | null>;
  /** Notes, before a switch, what to go back to; an earlier note stays until it is settled. */
  begin(from: string | null): Promise<void>;
  /** What was live before a switch that did not end. */
  pending(): Promise<{ from: string | null } | null>;
  settle(): Promise<void>;
  /** Throws `release_unknown`. */
  get(release_id: string): Promise<StoredRelease>;
  /** The latest first. */
  list(): Promise<StoredRelease[]>;
  directoryOf(release_id: string): string;
  /** Removes all but the latest `keep`, the current one and those named. */
  prune(keep: number, except: readonly (string | undefined)[]): Promise<void>;
}

export type PutRequest = Pick<DeployRequest, 'release_id' | 'digest' | 'signal'> & {
  /** Null for a release whose files are elsewhere. */
  artifact: string | null;
};

const RELEASE_ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;
const DIGEST = /^sha256:[0-9a-f]{64}$/;
const CURRENT = 'current';
const SWITCH = 'switch.json';

/** The store below `root`, which is made at the first use. */
export function releaseStore(root: string, clock: () => Date = () => new Date()): ReleaseStore {
  const place = (...names: string[]) => path.join(root, ...names);
  const directoryOf = (release_id: string) => place('releases', requireId(release_id));
  const recordOf = (release_id: string) => path.join('records', `${requireId(release_id)}.json`);
  const write = async (release: StoredRelease) => {
    await writeWhole(root, recordOf(release.release_id), JSON.stringify(release));
    return release;
  };

  async function get(release_id: string): Promise<StoredRelease> {
    const record = RELEASE_ID.test(release_id) ? await readRecord(place(recordOf(release_id))) : null;
    if (record) return record;
    throw new DeployFailure('release_unknown', 'There is no such release.');
  }

  async function list(): Promise<StoredRelease[]> {
    const names = await readdir(place('records')).catch(emptyWhenMissing);
    const ids = names.filter((name) => name.endsWith('.json')).map((name) => name.slice(0, -'.json'.length));
    const records = await Promise.all(ids.map((id) => readRecord(place(recordOf(id)))));
    return records
      .filter((record) => record !== null)
      .sort(
        (a, b) => compare(b.deployed_at ?? '', a.deployed_at ?? '') || compare(b.release_id, a.release_id),
      );
  }

  async function current(): Promise<StoredRelease | null> {
    const target = await readlink(place(CURRENT)).catch(emptyWhenMissing);
    return typeof target === 'string' ? get(path.basename(target)) : null;
  }

  async function pending(): Promise<{ from: string | null } | null> {
    const text = await readFile(place(SWITCH), 'utf8').catch(emptyWhenMissing);
    return typeof text === 'string' ? (JSON.parse(text) as { from: string | null }) : null;
  }

  return {
    directoryOf,
    get,
    pending,
    async begin(from) {
      if (!(await pending())) await writeWhole(root, SWITCH, JSON.stringify({ from }));
    },
    async settle() {
      await rm(place(SWITCH), { force: true });
      await syncFolder(root);
    },
    list,
    current,
    async put({ release_id, digest, artifact, signal }) {
      if (!DIGEST.test(digest))
        throw new DeployFailure('artifact_invalid', 'The digest is not sha256:<hex>.');
      const there = await readRecord(place(recordOf(release_id)));
      if (there && there.digest !== digest) {
        throw new DeployFailure('release_conflict', 'This release id stands for another artifact.');
      }
      if (there) return there;
      await prepare(root);
      const temporary = place('tmp', randomUUID());
      try {
        await (artifact === null ? mkdir(temporary) : copyArtifact(artifact, temporary, signal));
        // Without a record it is what a crash left of an earlier attempt.
        await rm(directoryOf(release_id), { recursive: true, force: true });
        await rename(temporary, directoryOf(release_id));
      } finally {
        await rm(temporary, { recursive: true, force: true });
      }
      await syncFolder(place('releases'));
      return write({ release_id, digest, deployed_at: null, configuration: null });
    },
    async activate(release_id, configuration) {
      if (release_id === null) {
        await rm(place(CURRENT), { force: true });
        await syncFolder(root);
        return null;
      }
      const release = await get(release_id);
      const temporary = place('tmp', randomUUID());
      await symlink(path.join('releases', release_id), temporary);
      await rename(temporary, place(CURRENT));
      await syncFolder(root);
      return write({
        ...release,
        deployed_at: clock().toISOString(),
        configuration: configuration ?? null,
      });
    },
    async prune(keep, except) {
      const live = (await current())?.release_id;
      const old = (await list()).slice(keep).map(({ release_id }) => release_id);
      for (const release_id of old.filter((id) => id !== live && !except.includes(id))) {
        // First the record: what has none is no release any more.
        await rm(place(recordOf(release_id)), { force: true });
        await rm(directoryOf(release_id), { recursive: true, force: true });
      }
    },
  };
}

/** Makes the folders, and removes what a crash left half-done; a folder that is there stays there, or a rollback could not go on. */
async function prepare(root: string): Promise<void> {
  for (const name of ['releases', 'records', 'tmp']) {
    // What the hash of a configuration is made of could be guessed.
    await mkdir(path.join(root, name), { recursive: true, mode: name === 'records' ? 0o700 : 0o755 });
  }
  for (const left of await readdir(path.join(root, 'tmp')))
    await rm(path.join(root, 'tmp', left), { recursive: true, force: true });
  await syncFolder(root);
}

function requireId(release_id: string): string {
  if (RELEASE_ID.test(release_id)) return release_id;
  throw new DeployFailure(
    'artifact_invalid',
    'A release id has letters, digits, dots, dashes and underscores.',
  );
}

async function readRecord(file: string): Promise<StoredRelease | null> {
  const text = await readFile(file, 'utf8').catch(emptyWhenMissing);
  return typeof text === 'string' ? (JSON.parse(text) as StoredRelease) : null;
}

/** A crash leaves the old text or the new one, and what is half written where the next release clears it away. */
async function writeWhole(root: string, name: string, text: string): Promise<void> {
  const temporary = path.join(root, 'tmp', randomUUID());
  await writeFile(temporary, text, { flush: true });
  await rename(temporary, path.join(root, name));
  await syncFolder(path.dirname(path.join(root, name)));
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function emptyWhenMissing(error: NodeJS.ErrnoException): never[] {
  if (error.code === 'ENOENT') return [];
  throw error;
}

/** A release as others see it. */
export function releaseOf({ release_id, digest, deployed_at }: Release): Release {
  return { release_id, digest, deployed_at };
}
