import { createHmac } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import { AppError } from '../../contract/errors.ts';
import { type Deployer, DeployFailure } from '../../contract/deployer.ts';
import type { FetchResponse } from '../http/guarded-fetch.ts';
import { healthSettings } from './health.ts';
import { readSettings } from './settings.ts';
import { storedDeployer, type StoredDeployerDeps, type Target } from './stored-deployer.ts';

export const webhookSettings = z.strictObject({
  url: z.url({ protocol: /^https?$/ }).max(2_048),
  /** Signs every request, in the way of Standard Webhooks. */
  secret: z.string().min(16).max(1_000),
  /** For all of a deployment. */
  timeout_ms: z.int().min(100).max(3_600_000).default(600_000),
  poll_ms: z.int().min(10).max(60_000).default(2_000),
  health: healthSettings.optional(),
  keep: z.int().min(1).max(1_000).default(50),
});
type Settings = z.output<typeof webhookSettings>;
type Action = 'deploy' | 'rollback' | 'remove';

const answerSchema = z.object({
  status: z.enum(['pending', 'running', 'succeeded', 'failed']),
  /** Where to ask how it goes; of the same origin. */
  status_url: z.string().max(2_048).optional(),
  message: z.string().default(''),
});
type Answer = z.output<typeof answerSchema>;

const MESSAGE_CHARS = 500;
const REDIRECTS = [301, 302, 303, 307, 308];

/**
 * Deploys by asking another service: a signed POST of `{action, environment, release_id, digest, previous, variables}`,
 * answered by `{status, status_url?, message?}`; until that is `succeeded` or `failed`, the status URL is asked. The same
 * request may come twice, with the same `webhook-id`.
 */
export function webhookDeployer(deps: StoredDeployerDeps): Deployer {
  const clock = deps.clock ?? (() => new Date());

  async function send(settings: Settings, { call, release, previous }: Target, action: Action) {
    const { environment } = call;
    const body = JSON.stringify({
      action,
      environment: environment.name,
      release_id: release.release_id,
      digest: release.digest,
      previous: previous?.release_id ?? null,
      variables: environment.variables,
    });
    // The same when this is tried again, another one when the release goes live another time.
    const id = `${action}:${environment.name}:${release.release_id}:${release.deployed_at ?? 'first'}`;
    const request = { method: 'POST', url: settings.url, body } as const;
    return ask(settings, request, { id, body, signal: call.signal });
  }

  async function ask(
    { secret }: Settings,
    request: { method: 'GET' | 'POST'; url: string; body?: string },
    { id, body, signal = new AbortController().signal }: { id: string; body: string; signal?: AbortSignal },
  ): Promise<Answer> {
    const seconds = Math.floor(clock().getTime() / 1_000);
    const headers = {
      'content-type': 'application/json',
      'user-agent': 'orchestrator',
      'webhook-id': id,
      'webhook-timestamp': String(seconds),
      'webhook-signature': `v1,${createHmac('sha256', secret).update(`${id}.${seconds}.${body}`).digest('base64')}`,
    };
    try {
      return answerOf(await deps.fetch({ ...request, headers, final_statuses: REDIRECTS }, { signal }));
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof AppError || error instanceof DeployFailure) throw error;
      throw new DeployFailure('unreachable', 'The deployment service could not be reached.', {
        cause: error,
      });
    }
  }

  async function follow(settings: Settings, target: Target, action: Action): Promise<Answer> {
    const { signal } = target.call;
    const end_ms = Date.now() + settings.timeout_ms;
    let answer = await send(settings, target, action);
    while (answer.status === 'pending' || answer.status === 'running') {
      if (Date.now() >= end_ms)
        throw new DeployFailure('timeout', 'The deployment service did not finish in time.');
      const url = statusUrl(settings.url, answer.status_url);
      await pause(settings.poll_ms, undefined, { signal }).catch(() => signal?.throwIfAborted());
      const id = `status:${target.call.environment.name}:${target.release.release_id}`;
      const next = await ask(settings, { method: 'GET', url }, { id, body: '', signal });
      answer = { ...next, status_url: next.status_url ?? answer.status_url };
    }
    return answer;
  }

  return storedDeployer<Settings>(
    {
      kind: 'webhook',
      keeps_files: false,
      read: ({ environment }) => readSettings(webhookSettings, environment),
      async bringUp(settings, target, back) {
        const { status, message } = await follow(settings, target, back ? 'rollback' : 'deploy');
        const evidence = { status, message: message.slice(0, MESSAGE_CHARS) };
        if (status === 'succeeded') return evidence;
        throw new DeployFailure('deploy_failed', 'The deployment service reports a failure.', { evidence });
      },
      async takeDown(settings, target) {
        await follow(settings, target, 'remove');
      },
      status: () => Promise.resolve({ healthy: null, detail: 'The deployment service reported success.' }),
    },
    deps,
  );
}

function answerOf({ status, body }: FetchResponse): Answer {
  if (status < 200 || status >= 300) {
    throw new DeployFailure('deploy_failed', `The deployment service answered ${status}.`, {
      evidence: { status },
    });
  }
  try {
    return answerSchema.parse(JSON.parse(Buffer.from(body).toString('utf8')));
  } catch (cause) {
    throw new DeployFailure('deploy_failed', 'The deployment service gave no answer that can be read.', {
      cause,
    });
  }
}

/** Nobody is sent elsewhere with our signature. */
function statusUrl(own: string, given: string | undefined): string {
  if (given === undefined || !URL.canParse(given, own)) {
    throw new DeployFailure('deploy_failed', 'The deployment service named no status URL.');
  }
  const url = new URL(given, own);
  if (url.origin === new URL(own).origin) return url.href;
  throw new DeployFailure('deploy_failed', 'The status URL is of another origin.');
}
