import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { parseAllDocuments } from 'yaml';
import { z } from 'zod';
import { DeployFailure } from '../../contract/deployer.ts';
import type { Json, JsonObject } from '../../contract/json.ts';

/** One object of a cluster, as far as it is looked at here. */
export interface Manifest extends JsonObject {
  apiVersion: string;
  kind: string;
  metadata: { name: string; [key: string]: Json };
}

/** Kinds that may be deployed, with the last part of their address; all live in a namespace. */
const KINDS: Readonly<Record<string, string>> = {
  'v1 ConfigMap': 'configmaps',
  'v1 Secret': 'secrets',
  'v1 Service': 'services',
  'v1 ServiceAccount': 'serviceaccounts',
  'v1 PersistentVolumeClaim': 'persistentvolumeclaims',
  'apps/v1 Deployment': 'deployments',
  'apps/v1 StatefulSet': 'statefulsets',
  'apps/v1 DaemonSet': 'daemonsets',
  'batch/v1 Job': 'jobs',
  'batch/v1 CronJob': 'cronjobs',
  'networking.k8s.io/v1 Ingress': 'ingresses',
  'networking.k8s.io/v1 NetworkPolicy': 'networkpolicies',
  'policy/v1 PodDisruptionBudget': 'poddisruptionbudgets',
  'autoscaling/v2 HorizontalPodAutoscaler': 'horizontalpodautoscalers',
};
const MAX_FILES = 100;
const MAX_FILE_BYTES = 1024 * 1024;
const MAX_OBJECTS = 200;
const MAX_ALIASES = 100;

const schema = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.looseObject({
    name: z.string().regex(/^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/),
    namespace: z.string().optional(),
  }),
});

/** The address of an object below the API's; throws `artifact_invalid` for a kind that may not be deployed. */
export function addressOf({ apiVersion, kind, metadata }: Manifest, namespace: string): string {
  return `${collectionOf(apiVersion, kind, namespace)}/${metadata.name}`;
}

function collectionOf(apiVersion: string, kind: string, namespace: string): string {
  const plural = Object.hasOwn(KINDS, `${apiVersion} ${kind}`) ? KINDS[`${apiVersion} ${kind}`] : undefined;
  if (plural === undefined)
    throw invalid(`${apiVersion.slice(0, 80)} ${kind.slice(0, 80)} may not be deployed`);
  const root = apiVersion === 'v1' ? '/api/v1' : `/apis/${apiVersion}`;
  return `${root}/namespaces/${namespace}/${plural}`;
}

/**
 * Reads the manifests below a directory, in the order of their names, and fills in `${NAME}` from `values`; other names
 * stay as they are. Every object is checked for a kind and namespace that may be deployed. Throws `artifact_invalid`.
 */
export async function readManifests(
  directory: string,
  namespace: string,
  values: Readonly<Record<string, string>>,
): Promise<Manifest[]> {
  const found: Manifest[] = [];
  for (const file of await manifestFiles(directory)) {
    for (const document of parseAllDocuments(await readFile(file, 'utf8'))) {
      if (document.errors.length > 0) throw invalid(`${path.basename(file)} is no YAML`);
      const value = document.toJS({ maxAliasCount: MAX_ALIASES }) as Json;
      if (value !== null) found.push(manifestOf(filled(value, values), namespace));
    }
  }
  if (found.length === 0) throw invalid('there is no manifest');
  if (found.length > MAX_OBJECTS) throw invalid(`there are more than ${MAX_OBJECTS} objects`);
  return found;
}

async function manifestFiles(directory: string): Promise<string[]> {
  const names = await readdir(directory).catch(() => {
    throw invalid('the directory of the manifests is missing');
  });
  const files = names.filter((name) => /\.(ya?ml|json)$/.test(name)).sort();
  if (files.length > MAX_FILES) throw invalid(`there are more than ${MAX_FILES} files`);
  for (const name of files) {
    const { size } = await stat(path.join(directory, name));
    if (size > MAX_FILE_BYTES) throw invalid(`${name} is too large`);
  }
  return files.map((name) => path.join(directory, name));
}

function manifestOf(value: Json, namespace: string): Manifest {
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw invalid('a document is no object of a cluster');
  const manifest = parsed.data as Manifest;
  if (manifest.metadata.namespace !== undefined && manifest.metadata.namespace !== namespace) {
    throw invalid('an object is of another namespace');
  }
  addressOf(manifest, namespace);
  return manifest;
}

function filled(value: Json, values: Readonly<Record<string, string>>): Json {
  if (typeof value === 'string') {
    return value.replace(/\$\{([A-Za-z_][A-Za-z0-9_]{0,127})\}/g, (whole, name: string) =>
      Object.hasOwn(values, name) ? values[name]! : whole,
    );
  }
  if (Array.isArray(value)) return value.map((one) => filled(one, values));
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, filled(one, values)]));
}

function invalid(what: string): DeployFailure {
  return new DeployFailure('artifact_invalid', `The manifests cannot be deployed: ${what}.`);
}
