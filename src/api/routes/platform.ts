import { capabilities, health, readiness, type Capabilities } from '../schemas/platform.ts';
import { route, type Route } from '../route.ts';

/** Resolves when the dependency answers. */
export type Check = () => Promise<unknown>;

export interface PlatformOptions {
  version: string;
  /** What must answer before requests are welcome: `{ database, temporal }`. */
  checks: Readonly<Record<string, Check>>;
  capabilities: () => Capabilities | Promise<Capabilities>;
  check_timeout_ms?: number;
}

const GROUP = 'platform';
// They concern no project, whichever a caller names in all its requests.
const PROBE = { group: GROUP, public: true, unmetered: true, installation: true } as const;

export function platformRoutes(options: PlatformOptions): Route[] {
  return [
    healthRoute('/health', options.version),
    healthRoute('/api/health', options.version),
    readyRoute(options),
    route({
      method: 'get',
      path: '/capabilities',
      group: GROUP,
      summary: 'What this installation can do: sandbox, node types, limits, versions.',
      responses: { 200: { description: 'The capabilities.', schema: capabilities } },
      handler: async () => ({ status: 200, body: await options.capabilities() }),
    }),
  ];
}

/** Alive: says nothing about dependencies, so that an orchestrator of containers does not restart for them. */
function healthRoute(path: string, version: string): Route {
  return route({
    ...PROBE,
    method: 'get',
    path,
    root: true,
    summary: 'The process is alive.',
    responses: { 200: { description: 'It is.', schema: health } },
    handler: () => Promise.resolve({ status: 200, body: { status: 'ok', version } }),
  });
}

function readyRoute({ checks, check_timeout_ms = 1_000 }: PlatformOptions): Route {
  return route({
    ...PROBE,
    method: 'get',
    path: '/ready',
    root: true,
    summary: 'Requests can be served now.',
    responses: {
      200: { description: 'All dependencies answer.', schema: readiness },
      503: { description: 'At least one dependency is away.', schema: readiness },
    },
    handler: async () => {
      const results = await Promise.all(
        Object.entries(checks).map(([name, check]) => outcome(name, check, check_timeout_ms)),
      );
      const ready = results.every(([, state]) => state === 'ok');
      const body = { status: ready ? 'ready' : 'unavailable', checks: Object.fromEntries(results) };
      return {
        status: ready ? 200 : 503,
        body,
        headers: { 'Cache-Control': 'no-store', ...(ready ? {} : { 'Retry-After': '1' }) },
      };
    },
  });
}

type State = 'ok' | 'failed' | 'timeout';

async function outcome(name: string, check: Check, timeout_ms: number): Promise<[string, State]> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<State>((resolve) => {
    timer = setTimeout(() => resolve('timeout'), timeout_ms);
  });
  const answered = Promise.resolve()
    .then(check)
    .then(
      () => 'ok' as const,
      () => 'failed' as const,
    );
  const state = await Promise.race([answered, late]);
  clearTimeout(timer);
  return [name, state];
}
