export interface Answer<T = Record<string, unknown>> {
  status: number;
  body: T;
  headers: Headers;
}

/** The fields of a run that tests look at. */
export interface RunBody extends Record<string, unknown> {
  id: string;
  state: string;
  ended_at: string | null;
  output: unknown;
  error: { code: string; message: string; step?: string } | null;
  version_hash: string;
  progress: { done: number; total: number };
}

export interface EventBody {
  seq: number;
  type: string;
  data: Record<string, unknown>;
}

export interface StepBody extends Record<string, unknown> {
  node: string;
  attempt: number;
  state: string;
  output: unknown;
  error: { code: string; message: string } | null;
}

/** Calls the API as a user would, over HTTP. */
export interface ApiClient {
  url: string;
  token: string;
  call<T = Record<string, unknown>>(
    method: string,
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<Answer<T>>;
  /** Saves a definition under a tag; fails unless it is stored. */
  publish(tag_name: string, definition: unknown): Promise<Record<string, unknown>>;
  /** Starts a run; fails unless it is accepted. */
  start(workflow: string, input?: unknown, more?: Record<string, unknown>): Promise<RunBody>;
  /** The run once it has ended; fails after `seconds`. */
  ended(id: string, seconds?: number): Promise<RunBody>;
  run(id: string): Promise<RunBody>;
  /** Every item of a list, page after page. */
  all<T>(path: string): Promise<T[]>;
  steps(id: string): Promise<StepBody[]>;
  events(id: string): Promise<EventBody[]>;
  /** Asks until the run is as wanted; fails after `seconds`. */
  until(id: string, wanted: (run: RunBody) => boolean, seconds?: number): Promise<RunBody>;
}

/** Far beyond what anything takes, on a busy machine too: only a run that hangs comes to it. */
const PATIENCE_SECONDS = 120;

export function apiClient(url: string, token: string): ApiClient {
  async function call<T>(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer<T>> {
    const sent: Record<string, string> = body === undefined ? {} : { 'content-type': 'application/json' };
    const response = await fetch(`${url}/api/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, ...sent, ...headers },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await response.text();
    return {
      status: response.status,
      body: (text === '' ? {} : JSON.parse(text)) as T,
      headers: response.headers,
    };
  }

  async function expecting<T>(statuses: number[], method: string, path: string, body?: unknown): Promise<T> {
    const answer = await call<T>(method, path, body);
    if (statuses.includes(answer.status)) return answer.body;
    throw new Error(`${method} ${path} answered ${answer.status}: ${JSON.stringify(answer.body)}`);
  }

  async function all<T>(path: string): Promise<T[]> {
    const items: T[] = [];
    let cursor: string | null = null;
    do {
      const at = cursor === null ? '' : `&cursor=${cursor}`;
      const page: { items: T[]; next_cursor: string | null } = await expecting(
        [200],
        'GET',
        `${path}?limit=100${at}`,
      );
      items.push(...page.items);
      cursor = page.next_cursor;
    } while (cursor !== null);
    return items;
  }

  const run = (id: string) => expecting<RunBody>([200], 'GET', `/runs/${id}`);

  async function until(
    id: string,
    wanted: (run: RunBody) => boolean,
    seconds = PATIENCE_SECONDS,
  ): Promise<RunBody> {
    const deadline = Date.now() + seconds * 1_000;
    for (;;) {
      const found = await run(id);
      if (wanted(found)) return found;
      if (Date.now() > deadline) throw new Error(`run ${id} is still ${JSON.stringify(found)}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  return {
    url,
    token,
    call,
    run,
    until,
    publish: (tag_name, workflow) => expecting([200, 201], 'POST', '/workflows', { tag_name, workflow }),
    start: (workflow, input = {}, more = {}) =>
      expecting([202], 'POST', '/runs', { workflow, input, ...more }),
    async ended(id, seconds = PATIENCE_SECONDS) {
      for (const deadline = Date.now() + seconds * 1_000; ;) {
        const found = await expecting<RunBody>([200], 'GET', `/runs/${id}?wait=${Math.min(60, seconds)}`);
        if (found.ended_at !== null) return found;
        if (Date.now() > deadline) throw new Error(`run ${id} has not ended: ${JSON.stringify(found)}`);
      }
    },
    all,
    steps: (id) => all(`/runs/${id}/steps`),
    events: (id) => all(`/runs/${id}/events`),
  };
}
