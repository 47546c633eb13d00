import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import { type Deployer, DeployFailure } from '../../contract/deployer.ts';
import type { Json, JsonObject } from '../../contract/json.ts';
import type { GuardedFetch } from '../http/guarded-fetch.ts';
import { healthSettings } from './health.ts';
import { kubernetesApi, type KubernetesApi } from './kubernetes-api.ts';
import { addressOf, type Manifest, readManifests } from './kubernetes-manifests.ts';
import { rolloutOf } from './kubernetes-rollout.ts';
import { readSettings } from './settings.ts';
import { storedDeployer, type StoredDeployerDeps, type Target } from './stored-deployer.ts';

export interface KubernetesDeps extends StoredDeployerDeps {
  /** A client that trusts these certificates in place of the system's. */
  connect(ca: string | undefined): GuardedFetch & { close(): Promise<void> };
}

const label = z.string().regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/);
export const kubernetesSettings = z.strictObject({
  api_url: z.url({ protocol: /^https$/ }).max(2_048),
  /** Of a service account that may change the namespace. */
  token: z.string().regex(/^[\x21-\x7e]{1,8192}$/),
  /** The cluster's certificate, as PEM. */
  ca: z.string().max(65_536).optional(),
  namespace: label,
  /** Where the artifact has its manifests. */
  manifests: z
    .string()
    .regex(/^[A-Za-z0-9_][A-Za-z0-9_./-]{0,500}$/)
    .refine((text) => !text.split('/').includes('..'), 'A path inside the artifact.')
    .default('kubernetes'),
  /** For all objects to be ready. */
  wait_seconds: z.int().min(1).max(3_600).default(300),
  poll_ms: z.int().min(10).max(60_000).default(2_000),
  health: healthSettings.optional(),
  keep: z.int().min(1).max(100).default(10),
});
type Settings = z.output<typeof kubernetesSettings>;
type Work<T> = (api: KubernetesApi, manifests: Manifest[]) => Promise<T>;

/**
 * Deploys the manifests of an artifact by server-side apply, waits for the rollout, and removes the objects of the
 * release before that the new one does not have. `${RELEASE_ID}`, `${RELEASE_DIGEST}` and the variables are filled in.
 */
export function kubernetesDeployer(deps: KubernetesDeps): Deployer {
  async function withCluster<T>(
    settings: Settings,
    target: Target,
    work: Work<T>,
    read = manifestsOf,
  ): Promise<T> {
    const fetch = deps.connect(settings.ca);
    const signal = target.call.signal ?? new AbortController().signal;
    try {
      return await work(kubernetesApi({ ...settings, fetch, signal }), await read(settings, target));
    } finally {
      await fetch.close();
    }
  }

  return storedDeployer<Settings>(
    {
      kind: 'kubernetes',
      keeps_files: true,
      read: ({ environment }) => readSettings(kubernetesSettings, environment),
      bringUp: (settings, target) =>
        withCluster(settings, target, async (api, manifests) => {
          for (const manifest of manifests) {
            await api.apply(addressOf(manifest, settings.namespace), stamped(manifest, target));
            target.call.log?.(`${manifest.kind} ${manifest.metadata.name} is applied.`);
          }
          const objects = await waitForRollout(api, manifests, { settings, target });
          await removeOthers(api, manifests, { settings, target, base_directory: deps.base_directory });
          return { objects };
        }),
      takeDown: (settings, target) =>
        withCluster(
          settings,
          target,
          async (api, manifests) => {
            for (const manifest of manifests) await api.remove(addressOf(manifest, settings.namespace));
          },
          manifestsOrNone,
        ),
      status: (settings, target) =>
        withCluster(settings, target, async (api, manifests) => {
          const seen = await look(api, manifests, settings);
          const bad = seen.filter(({ state }) => state !== 'ready');
          const detail = bad.map(({ object, detail }) => `${object}: ${detail}`).join('; ');
          return { healthy: bad.length === 0, detail: detail || 'All objects are ready.' };
        }),
    },
    deps,
  );
}

function manifestsOf(settings: Settings, { call, release, directory }: Target): Promise<Manifest[]> {
  return readManifests(path.join(directory, settings.manifests), settings.namespace, {
    ...call.environment.variables,
    RELEASE_ID: release.release_id,
    RELEASE_DIGEST: release.digest,
    ENVIRONMENT: call.environment.name,
  });
}

/** Of what cannot be read, nothing was ever applied. */
function manifestsOrNone(settings: Settings, target: Target): Promise<Manifest[]> {
  return manifestsOf(settings, target).catch((error: unknown) => {
    if (error instanceof DeployFailure && error.code === 'artifact_invalid') return [];
    throw error;
  });
}

/** With marks of who manages it and which release it is of. */
function stamped(manifest: Manifest, { release, call }: Target): JsonObject {
  const { metadata } = manifest;
  const labels = { ...(metadata.labels as JsonObject), 'app.kubernetes.io/managed-by': 'orchestrator' };
  const annotations = {
    ...(metadata.annotations as JsonObject),
    'orchestrator/environment': call.environment.name,
    'orchestrator/release-id': release.release_id,
    'orchestrator/digest': release.digest,
  };
  return { ...manifest, metadata: { ...metadata, labels, annotations } };
}

interface Place {
  settings: Settings;
  target: Target;
}

type Seen = ReturnType<typeof rolloutOf> & { object: string };

async function waitForRollout(
  api: KubernetesApi,
  manifests: Manifest[],
  { settings, target }: Place,
): Promise<Json[]> {
  const { signal } = target.call;
  const end_ms = Date.now() + settings.wait_seconds * 1_000;
  for (;;) {
    const seen = await look(api, manifests, settings);
    const objects = seen.map(({ object, state, detail }) => ({ object, state, detail }));
    const failed = seen.find(({ state }) => state === 'failed');
    if (failed) throw unhealthy(`${failed.object} failed: ${failed.detail}`, objects);
    if (seen.every(({ state }) => state === 'ready')) return objects;
    if (Date.now() >= end_ms) throw unhealthy('The rollout took too long', objects);
    await pause(settings.poll_ms, undefined, { signal }).catch(() => signal?.throwIfAborted());
  }
}

async function look(api: KubernetesApi, manifests: Manifest[], { namespace }: Settings): Promise<Seen[]> {
  const seen: Seen[] = [];
  for (const manifest of manifests) {
    const object = await api.get(addressOf(manifest, namespace));
    const rollout = object
      ? rolloutOf({ ...object, kind: manifest.kind })
      : { state: 'waiting' as const, detail: 'it is not there' };
    seen.push({ ...rollout, object: `${manifest.kind} ${manifest.metadata.name}` });
  }
  return seen;
}

/** What only the release before has. */
async function removeOthers(
  api: KubernetesApi,
  manifests: Manifest[],
  { settings, target, base_directory }: Place & { base_directory: string },
): Promise<void> {
  const { previous, call } = target;
  if (!previous || previous.release_id === target.release.release_id) return;
  const directory = path.join(base_directory, call.environment.name, 'releases', previous.release_id);
  const kept = new Set(manifests.map((manifest) => addressOf(manifest, settings.namespace)));
  for (const old of await manifestsOrNone(settings, { ...target, release: previous, directory })) {
    const address = addressOf(old, settings.namespace);
    if (kept.has(address)) continue;
    await api.remove(address);
    call.log?.(`${old.kind} ${old.metadata.name} is removed.`);
  }
}

function unhealthy(message: string, objects: Json[]): DeployFailure {
  return new DeployFailure('unhealthy', `${message.replace(/\.$/, '')}.`, { evidence: { objects } });
}
