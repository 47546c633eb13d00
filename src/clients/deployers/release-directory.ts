import { createHash } from 'node:crypto';
import path from 'node:path';
import { z } from 'zod';
import {
  type DeployCall,
  type Deployer,
  DeployFailure,
  type DeployOutcome,
  type Release,
} from '../../contract/deployer.ts';
import type { Json } from '../../contract/json.ts';
import type { GuardedFetch } from '../http/guarded-fetch.ts';
import { healthSettings, waitUntilHealthy } from './health.ts';
import { releaseOf, releaseStore, type ReleaseStore } from './release-store.ts';
import { stuck } from './release-switch.ts';
import { serviceProcess, type ServiceProcess } from './service-process.ts';
import { readSettings } from './settings.ts';

export interface ReleaseDirectoryDeps {
  /** An environment has the folder of its name here. */
  base_directory: string;
  /** For asking about health. */
  fetch: GuardedFetch;
  clock?: () => Date;
}

export const releaseDirectorySettings = z.strictObject({
  /** A command that is kept running in the release's directory, with the environment's variables. */
  start: z.tuple([z.string().min(1)], z.string().max(4_096)).optional(),
  health: healthSettings.optional(),
  /** Releases that are kept for going back. */
  keep: z.int().min(1).max(100).default(5),
  stop_ms: z.int().min(0).max(600_000).default(10_000),
});

interface Place {
  settings: z.output<typeof releaseDirectorySettings>;
  store: ReleaseStore;
  service: ServiceProcess;
}

/**
 * Deploys into `<base directory>/<environment>/`: the link `current` is switched to the new release in one step, and
 * the command, when there is one, is started there and has to answer. When it does not, the release before is live
 * again and `unhealthy` tells what was seen.
 */
export function releaseDirectoryDeployer(deps: ReleaseDirectoryDeps): Deployer {
  const placeOf = ({ environment }: DeployCall): Place => {
    const settings = readSettings(releaseDirectorySettings, environment);
    const root = path.join(deps.base_directory, environment.name);
    return {
      settings,
      store: releaseStore(root, deps.clock),
      service: serviceProcess(path.join(root, 'run')),
    };
  };
  const goLive = (place: Place, release: Release, call: DeployCall) =>
    switchTo(deps, place, { release, call });
  return {
    kind: 'release_directory',
    async deploy(request) {
      const place = placeOf(request);
      const live = await place.store.current();
      const same = live?.digest === request.digest && !(await place.store.pending());
      const release = same ? live : await place.store.put(request);
      return goLive(place, release, request);
    },
    async rollback(request) {
      const place = placeOf(request);
      return goLive(place, await place.store.get(request.to), request);
    },
    async withdraw(call) {
      const place = placeOf(call);
      const live = await place.store.current();
      await undo(place, null, call);
      return live && releaseOf(live);
    },
    async status(call) {
      const { settings, store, service } = placeOf(call);
      const current = await store.current();
      if (!current) return { current, healthy: null, detail: 'Nothing is deployed.' };
      if (settings.start && (await service.running()) === null) {
        return { current: releaseOf(current), healthy: false, detail: 'The command does not run.' };
      }
      if (!settings.health)
        return {
          current: releaseOf(current),
          healthy: settings.start ? true : null,
          detail: 'It is in place.',
        };
      const seen = await waitUntilHealthy({ ...settings.health, wait_ms: 0 }, deps.fetch, call.signal);
      return { current: releaseOf(current), healthy: seen.healthy, detail: seen.detail };
    },
    releases: async (call) => (await placeOf(call).store.list()).map(releaseOf),
  };
}

interface Switch {
  release: Release;
  call: DeployCall;
}

async function switchTo(
  deps: ReleaseDirectoryDeps,
  place: Place,
  { release, call }: Switch,
): Promise<DeployOutcome> {
  const { store, service, settings } = place;
  const pending = await store.pending();
  const previous = await previousOf(store, pending);
  const in_place = !pending && previous?.release_id === release.release_id;
  if (in_place && (!settings.start || (await service.running()) === labelOf(release, place, call))) {
    call.log?.(`${release.release_id} is live already.`);
    return {
      changed: false,
      previous: releaseOf(previous),
      current: releaseOf(previous),
      evidence: { noop: true },
    };
  }
  call.signal?.throwIfAborted();
  await store.begin(previous?.release_id ?? null);
  try {
    const current = (await store.activate(release.release_id))!;
    call.log?.(`${release.release_id} is current.`);
    const evidence = await bringUp(deps, place, { release, call });
    await store.settle();
    await store.prune(settings.keep, [previous?.release_id]);
    return {
      changed: true,
      previous: previous && releaseOf(previous),
      current: releaseOf(current),
      evidence,
    };
  } catch (error) {
    await undo(place, previous, call).catch((second: unknown) => stuck(error, second));
    throw error;
  }
}

/** After a switch that was cut off, what was live before it. */
async function previousOf(
  store: ReleaseStore,
  pending: { from: string | null } | null,
): Promise<Release | null> {
  if (!pending) return store.current();
  return pending.from === null ? null : store.get(pending.from);
}

/** Starts the release, and asks whether it works. */
async function bringUp(
  deps: ReleaseDirectoryDeps,
  { store, service, settings }: Place,
  { release, call }: Switch,
): Promise<Record<string, Json>> {
  await startService({ store, service, settings }, release, call);
  if (!settings.health) return {};
  const seen = await waitUntilHealthy(settings.health, deps.fetch, call.signal);
  const evidence = {
    health: { ...seen },
    log_tail: settings.start ? masked(await service.logTail(), call) : '',
  };
  if (seen.healthy) return evidence;
  throw new DeployFailure('unhealthy', `${release.release_id} does not answer as it should.`, { evidence });
}

async function startService(
  { store, service, settings }: Place,
  release: Release,
  call: DeployCall,
): Promise<void> {
  if (!settings.start) return;
  const { environment } = call;
  await service.restart(
    {
      argv: settings.start,
      cwd: store.directoryOf(release.release_id),
      env: { ...environment.variables, RELEASE_ID: release.release_id, RELEASE_DIGEST: release.digest },
      label: labelOf(release, { store, service, settings }, call),
    },
    settings.stop_ms,
  );
  call.log?.(`The command of ${release.release_id} runs.`);
}

/**
 * What was live before is live again, with the environment as it is now; whether it answers is not asked. The call's
 * signal does not stop it.
 */
async function undo(place: Place, previous: Release | null, call: DeployCall): Promise<void> {
  const { store, service, settings } = place;
  await store.activate(previous?.release_id ?? null);
  if (previous) await startService(place, previous, call);
  else if (settings.start) await service.stop(settings.stop_ms);
  await store.settle();
  call.log?.(previous ? `${previous.release_id} is live again.` : 'Nothing is live.');
}

/** The same files with other variables or another command are another service. */
function labelOf(release: Release, { settings }: Place, { environment }: DeployCall): string {
  const configuration = JSON.stringify([settings.start, Object.entries(environment.variables).sort()]);
  return `${release.release_id}:${createHash('sha256').update(configuration).digest('hex').slice(0, 32)}`;
}

/** What a service writes may repeat its variables. */
function masked(text: string, { environment }: DeployCall): string {
  const values = Object.values(environment.variables).filter((value) => value.length >= 6);
  return values
    .sort((a, b) => b.length - a.length)
    .reduce((rest, value) => rest.replaceAll(value, '***'), text);
}
