import path from 'node:path';
import {
  type DeployCall,
  type Deployer,
  DeployFailure,
  type DeployerKind,
  type DeployStatus,
} from '../../contract/deployer.ts';
import type { Json } from '../../contract/json.ts';
import type { GuardedFetch } from '../http/guarded-fetch.ts';
import { type HealthSettings, waitUntilHealthy } from './health.ts';
import { releaseOf, releaseStore, type StoredRelease } from './release-store.ts';
import { configurationOf, isLive, type SwitchSteps, switchRelease, unchanged } from './release-switch.ts';

export interface StoredDeployerDeps {
  /** An environment has the folder of its name here, with its releases. */
  base_directory: string;
  fetch: GuardedFetch;
  /** Where programs are looked for. */
  program_path?: string;
  clock?: () => Date;
}

/** What is done with a release whose files are in a directory. */
export interface Target {
  call: DeployCall;
  release: StoredRelease;
  directory: string;
  previous: StoredRelease | null;
}

export interface StoredKind<S> {
  kind: DeployerKind;
  /** Throws `validation_failed`. */
  read(call: DeployCall): S & { keep: number; health?: HealthSettings };
  /** Whether the files are kept for going back; otherwise the releases are only noted. */
  keeps_files: boolean;
  bringUp(settings: S, target: Target, back: boolean): Promise<Readonly<Record<string, Json>>>;
  /** The very first release failed: nothing of it should be live. */
  takeDown(settings: S, target: Target): Promise<void>;
  status(settings: S, target: Target): Promise<Pick<DeployStatus, 'healthy' | 'detail'>>;
}

/** A deployer whose releases are noted below a directory, and that does one thing to make one live. */
export function storedDeployer<S>(kind: StoredKind<S>, deps: StoredDeployerDeps): Deployer {
  const placeOf = (call: DeployCall) => {
    const settings = kind.read(call);
    const store = releaseStore(path.join(deps.base_directory, call.environment.name), deps.clock);
    const target = (release: StoredRelease, previous: StoredRelease | null): Target => ({
      call,
      release,
      directory: store.directoryOf(release.release_id),
      previous,
    });
    const steps: SwitchSteps = {
      ledger: store,
      configuration: configurationOf(call),
      async bringUp(release, previous) {
        const evidence = await kind.bringUp(settings, target(release, previous), false);
        return { ...evidence, ...(await healthOf(settings.health, release, call)) };
      },
      async takeBack(previous, failed) {
        // What was asked to stop must not stop the way back.
        const free = { ...call, signal: undefined };
        if (previous) await kind.bringUp(settings, { ...target(previous, failed), call: free }, true);
        else await kind.takeDown(settings, { ...target(failed, null), call: free });
      },
    };
    return { settings, store, steps, target };
  };
  async function healthOf(health: HealthSettings | undefined, release: StoredRelease, call: DeployCall) {
    if (!health) return {};
    const seen = await waitUntilHealthy(health, deps.fetch, call.signal);
    const evidence = { health: { ...seen } };
    if (seen.healthy) return evidence;
    throw new DeployFailure('unhealthy', `${release.release_id} does not answer as it should.`, { evidence });
  }

  return {
    kind: kind.kind,
    async deploy(request) {
      const { settings, store, steps } = placeOf(request);
      const live = await isLive(steps, request.digest);
      if (live) return unchanged(live, request);
      const release = await store.put({ ...request, artifact: kind.keeps_files ? request.artifact : null });
      const outcome = await switchRelease(steps, release, request);
      await store.prune(settings.keep, [outcome.previous?.release_id]);
      return outcome;
    },
    async rollback(request) {
      const { store, steps } = placeOf(request);
      return switchRelease(steps, await store.get(request.to), request);
    },
    async withdraw(call) {
      const { settings, store, target } = placeOf(call);
      const live = await store.current();
      if (!live) return null;
      await kind.takeDown(settings, target(live, null));
      await store.activate(null);
      await store.settle();
      return releaseOf(live);
    },
    async status(call) {
      const { settings, store, target } = placeOf(call);
      const current = await store.current();
      if (!current) return { current, healthy: null, detail: 'Nothing is deployed.' };
      const seen = await kind.status(settings, target(current, null));
      if (seen.healthy === false || !settings.health) return { current: releaseOf(current), ...seen };
      const { healthy, detail } = await waitUntilHealthy(
        { ...settings.health, wait_ms: 0 },
        deps.fetch,
        call.signal,
      );
      return { current: releaseOf(current), healthy, detail };
    },
    releases: async (call) => (await placeOf(call).store.list()).map(releaseOf),
  };
}
