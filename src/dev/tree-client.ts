import { createReadStream, createWriteStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { JsonObject } from '../contract/json.ts';

export interface TreeStack {
  api_url: string;
  token: string;
  /** The default one when absent. */
  project_id?: string;
}

export interface TreeTag {
  name: string;
  target_id: string;
}

export interface TreeVersion {
  tag: string | null;
  tag_version: number | null;
  version_hash: string | null;
  definition?: JsonObject;
}

export interface SaveRequest {
  tag_name: string;
  workflow: unknown;
  message?: string;
  expected_version: number | null;
}

/** A call that was refused; what is wrong, by JSON Pointer. */
export class TreeCallError extends Error {
  readonly status: number;
  readonly code: string;
  readonly errors: readonly { path: string; message: string }[];

  constructor(status: number, problem: Partial<Problem>) {
    super(problem.detail ?? problem.title ?? `The API answered ${status}.`);
    this.status = status;
    this.code = problem.code ?? '';
    this.errors = problem.errors ?? [];
  }
}

interface Problem {
  title: string;
  detail: string;
  code: string;
  errors: { path: string; message: string }[];
}

export type TreeClient = ReturnType<typeof treeClient>;

/** What the tree needs of the API, below `/api/v1`. Every call throws `TreeCallError` when it is refused. */
export function treeClient({ api_url, token, project_id }: TreeStack) {
  const common = { authorization: `Bearer ${token}`, ...(project_id && { 'x-project-id': project_id }) };
  const send = async (path: string, init: RequestInit & { duplex?: 'half' } = {}): Promise<Response> => {
    const headers = { ...common, ...(init.headers as Record<string, string>) };
    const response = await fetch(`${api_url}/api/v1${path}`, { ...init, headers });
    if (response.ok) return response;
    const text = await response.text();
    throw new TreeCallError(response.status, problemOf(text));
  };
  const json = async <T>(path: string, init?: RequestInit): Promise<T> =>
    (await (await send(path, init)).json()) as T;
  return {
    /** All tags, or those of one workflow, by name. */
    async tags(workflow?: string): Promise<TreeTag[]> {
      const all: TreeTag[] = [];
      for (let cursor: string | null = ''; cursor !== null;) {
        const query = new URLSearchParams({
          limit: '100',
          ...(workflow && { workflow }),
          ...(cursor && { cursor }),
        });
        const page: { items: TreeTag[]; next_cursor: string | null } = await json(
          `/tags?${query.toString()}`,
        );
        all.push(...page.items);
        cursor = page.next_cursor;
      }
      return all;
    },
    /** What a reference means now; undefined when there is nothing of that name. */
    async version(ref: string, materialize = false): Promise<TreeVersion | undefined> {
      const path = `/workflows/${encodeURIComponent(ref)}?materialize=${materialize}`;
      return json<TreeVersion>(path).catch(noneIf([404]));
    },
    save: (body: SaveRequest) =>
      json<TreeVersion>('/workflows', {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'idempotency-key': randomUUID() },
        body: JSON.stringify(body),
      }),
    async hasBlob(cas_id: string): Promise<boolean> {
      return (await send(`/blobs/${cas_id}`, { method: 'HEAD' }).catch(noneIf([404, 410]))) !== undefined;
    },
    async putBlob(cas_id: string, file: string): Promise<void> {
      const headers = {
        'content-type': 'application/octet-stream',
        'content-length': String((await stat(file)).size),
      };
      const body = Readable.toWeb(createReadStream(file)) as RequestInit['body'];
      await (await send(`/blobs/${cas_id}`, { method: 'PUT', headers, body, duplex: 'half' })).arrayBuffer();
    },
    /** Writes a blob to a new file; false when there is none to be had. */
    async getBlob(cas_id: string, file: string): Promise<boolean> {
      const response = await send(`/blobs/${cas_id}`).catch(noneIf([404, 410]));
      if (!response) return false;
      const body = Readable.fromWeb(response.body ?? new Blob([]).stream());
      await pipeline(body, createWriteStream(file, { flags: 'wx' }));
      return true;
    },
  };
}

const noneIf = (statuses: readonly number[]) => (error: unknown) => {
  if (error instanceof TreeCallError && statuses.includes(error.status)) return undefined;
  throw error;
};

function problemOf(text: string): Partial<Problem> {
  try {
    return JSON.parse(text) as Partial<Problem>;
  } catch {
    return { detail: text.slice(0, 500) };
  }
}
