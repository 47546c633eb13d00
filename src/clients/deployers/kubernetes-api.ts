import { AppError } from '../../contract/errors.ts';
import { DeployFailure } from '../../contract/deployer.ts';
import type { Json, JsonObject } from '../../contract/json.ts';
import type { HttpMethod } from '../../contract/definition.ts';
import type { GuardedFetch } from '../http/guarded-fetch.ts';

export interface KubernetesApi {
  /** Server-side apply, as the one manager of these fields. */
  apply(address: string, manifest: JsonObject): Promise<JsonObject>;
  /** Null when it is not there. */
  get(address: string): Promise<JsonObject | null>;
  remove(address: string): Promise<void>;
}

interface Options {
  fetch: GuardedFetch;
  api_url: string;
  token: string;
  signal: AbortSignal;
}

const MESSAGE_CHARS = 300;

/** The API of one cluster. Throws `DeployFailure` with what the cluster says, never with the token. */
export function kubernetesApi({ fetch, api_url, token, signal }: Options): KubernetesApi {
  async function call(
    method: HttpMethod,
    address: string,
    manifest?: JsonObject,
  ): Promise<JsonObject | null> {
    const query = manifest === undefined ? '' : '?fieldManager=orchestrator&force=true';
    const headers = {
      accept: 'application/json',
      authorization: `Bearer ${token}`,
      // JSON is YAML.
      ...(manifest !== undefined && { 'content-type': 'application/apply-patch+yaml' }),
    };
    const body = manifest === undefined ? null : JSON.stringify(manifest);
    const request = { method, url: api_url.replace(/\/$/, '') + address + query, headers, body };
    const answer = await fetch(request, { signal }).catch((cause: unknown) => {
      signal.throwIfAborted();
      if (cause instanceof AppError) throw cause;
      throw new DeployFailure('unreachable', 'The cluster could not be reached.', { cause });
    });
    const json = objectOf(answer.body);
    if (answer.status === 404) return null;
    if (answer.status >= 200 && answer.status < 300) return json;
    const said =
      typeof json.message === 'string'
        ? `: ${json.message.replaceAll(token, '***').slice(0, MESSAGE_CHARS)}`
        : '';
    throw new DeployFailure('deploy_failed', `The cluster answered ${answer.status}${said}.`);
  }
  return {
    async apply(address, manifest) {
      const applied = await call('PATCH', address, manifest);
      if (applied) return applied;
      throw new DeployFailure('deploy_failed', 'The cluster has no such namespace or kind.');
    },
    get: (address) => call('GET', address),
    async remove(address) {
      await call('DELETE', address);
    },
  };
}

function objectOf(bytes: Uint8Array): JsonObject {
  try {
    const value = JSON.parse(Buffer.from(bytes).toString('utf8')) as Json;
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {};
  } catch {
    return {};
  }
}
