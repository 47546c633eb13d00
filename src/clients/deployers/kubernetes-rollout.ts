import type { Json, JsonObject } from '../../contract/json.ts';

export interface Rollout {
  state: 'ready' | 'waiting' | 'failed';
  detail: string;
}

const READY: Rollout = { state: 'ready', detail: '' };

/** How far an object is with becoming what was applied; kinds without a rollout are ready at once. */
export function rolloutOf(object: JsonObject): Rollout {
  const rule = typeof object.kind === 'string' ? RULES[object.kind] : undefined;
  if (!rule) return READY;
  const metadata = objectIn(object, 'metadata');
  const status = objectIn(object, 'status');
  // Until then the status is about what was applied before.
  if (object.kind !== 'Job' && numberIn(status, 'observedGeneration') < numberIn(metadata, 'generation')) {
    return { state: 'waiting', detail: 'the cluster has not looked at it yet' };
  }
  return rule(objectIn(object, 'spec'), status);
}

type Rule = (spec: JsonObject, status: JsonObject) => Rollout;

const RULES: Readonly<Record<string, Rule>> = {
  Deployment(spec, status) {
    const stuck = condition(status, 'Progressing', 'False');
    if (stuck) return { state: 'failed', detail: stuck };
    const wanted = numberIn(spec, 'replicas', 1);
    if (numberIn(status, 'replicas') > numberIn(status, 'updatedReplicas')) {
      return { state: 'waiting', detail: 'old pods are still there' };
    }
    return counted(wanted, numberIn(status, 'updatedReplicas'), numberIn(status, 'availableReplicas'));
  },
  StatefulSet(spec, status) {
    const wanted = numberIn(spec, 'replicas', 1);
    return counted(wanted, numberIn(status, 'updatedReplicas'), numberIn(status, 'readyReplicas'));
  },
  DaemonSet(_spec, status) {
    const wanted = numberIn(status, 'desiredNumberScheduled');
    return counted(wanted, numberIn(status, 'updatedNumberScheduled'), numberIn(status, 'numberAvailable'));
  },
  Job(_spec, status) {
    const failed = condition(status, 'Failed', 'True');
    if (failed) return { state: 'failed', detail: failed };
    return condition(status, 'Complete', 'True')
      ? READY
      : { state: 'waiting', detail: 'it has not completed' };
  },
};

function counted(wanted: number, updated: number, available: number): Rollout {
  if (updated >= wanted && available >= wanted) return READY;
  return { state: 'waiting', detail: `${updated} updated and ${available} available of ${wanted}` };
}

/** What the cluster says about a condition that has this status. */
function condition(status: JsonObject, type: string, value: 'True' | 'False'): string | null {
  const conditions = Array.isArray(status.conditions) ? status.conditions : [];
  for (const one of conditions) {
    if (one === null || typeof one !== 'object' || Array.isArray(one)) continue;
    if (one.type === type && one.status === value) return textOf(one.message ?? one.reason ?? null) || type;
  }
  return null;
}

const textOf = (value: Json): string => (typeof value === 'string' ? value.slice(0, 300) : '');

function objectIn(object: JsonObject, name: string): JsonObject {
  const value = object[name];
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {};
}

function numberIn(object: JsonObject, name: string, otherwise = 0): number {
  const value = object[name];
  return typeof value === 'number' ? value : otherwise;
}
