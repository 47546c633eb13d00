import { createHash } from 'node:crypto';
import { type DeployCall, DeployFailure, type DeployOutcome } from '../../contract/deployer.ts';
import type { Json } from '../../contract/json.ts';
import { releaseOf, type StoredRelease } from './release-store.ts';

/** Where releases are noted; `ReleaseStore` has it in files. */
export interface Ledger {
  current(): Promise<StoredRelease | null>;
  pending(): Promise<{ from: string | null } | null>;
  get(release_id: string): Promise<StoredRelease>;
  begin(from: string | null): Promise<void>;
  activate(release_id: string | null, configuration?: string): Promise<StoredRelease | null>;
  settle(): Promise<void>;
}

export interface SwitchSteps {
  ledger: Ledger;
  /** The same release with another one is deployed again. */
  configuration: string;
  /** Makes it live, whatever is live; it may be done twice. Throws when it does not come up. */
  bringUp(release: StoredRelease, previous: StoredRelease | null): Promise<Readonly<Record<string, Json>>>;
  /** After a failure: what was live before, or nothing, is live again. */
  takeBack(previous: StoredRelease | null, failed: StoredRelease): Promise<void>;
}

/** What a release is deployed with, in one word that tells nothing about it. */
export function configurationOf({ environment }: DeployCall): string {
  const { settings, variables } = environment;
  const text = JSON.stringify([Object.entries(settings).sort(), Object.entries(variables).sort()]);
  return createHash('sha256').update(text).digest('hex');
}

/** Whether this very thing is live, and no switch was cut off on the way. */
export async function isLive(
  { ledger, configuration }: Pick<SwitchSteps, 'ledger' | 'configuration'>,
  digest: string,
): Promise<StoredRelease | null> {
  const current = await ledger.current();
  const same = current?.digest === digest && current.configuration === configuration;
  return same && !(await ledger.pending()) ? current : null;
}

/** The answer for what is live already. */
export function unchanged(live: StoredRelease, call: DeployCall): DeployOutcome {
  call.log?.(`${live.release_id} is live already.`);
  const release = releaseOf(live);
  return { changed: false, previous: release, current: release, evidence: { noop: true } };
}

/**
 * Makes a release live for deployers that do it in one go: notes what to go back to, does it, and notes that it is done.
 * A crash in between leaves the first note, with which the next call does it again. A failure is taken back.
 */
export async function switchRelease(
  steps: SwitchSteps,
  release: StoredRelease,
  call: DeployCall,
): Promise<DeployOutcome> {
  const { ledger, configuration } = steps;
  const pending = await ledger.pending();
  const live = pending ? null : await isLive(steps, release.digest);
  if (live?.release_id === release.release_id) return unchanged(live, call);
  const from = pending ? pending.from : ((await ledger.current())?.release_id ?? null);
  const previous = from === null ? null : await ledger.get(from);
  call.signal?.throwIfAborted();
  await ledger.begin(from);
  try {
    const evidence = await steps.bringUp(release, previous);
    const current = (await ledger.activate(release.release_id, configuration))!;
    await ledger.settle();
    call.log?.(`${release.release_id} is live.`);
    return {
      changed: true,
      previous: previous && releaseOf(previous),
      current: releaseOf(current),
      evidence,
    };
  } catch (error) {
    call.log?.(previous ? `Going back to ${previous.release_id}.` : 'Taking it back.');
    await steps.takeBack(previous, release).catch((second: unknown) => stuck(error, second));
    await ledger.settle();
    throw error;
  }
}

/** The failure when going back failed too; the note of what to go back to stays, for the next call. */
export function stuck(first: unknown, second: unknown): never {
  const [one, two] = [first, second].map((error) =>
    error instanceof Error ? error.message : 'an unknown error',
  );
  const evidence = first instanceof DeployFailure ? first.evidence : {};
  throw new DeployFailure('deploy_failed', `${one} Going back failed as well: ${two}`, {
    evidence,
    cause: second,
  });
}
