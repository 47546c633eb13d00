import { readdirSync, readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';

const FIXTURES = path.join(import.meta.dirname, '../fixtures/osv');
/** OSV documents, one per file. */
export const OSV_DOCUMENTS = path.join(FIXTURES, 'documents');

interface Recorded {
  status: number;
  headers: Record<string, string>;
  body: unknown;
}
interface Query {
  package: { name: string; ecosystem: string };
  version: string;
  page_token?: string;
}
interface Batch {
  queries: Query[];
}
interface Transcript {
  querybatch: {
    max_queries: number;
    query_fields: string[];
    package_fields: string[];
    request: Batch;
    answer: { results: unknown[] };
  };
  errors: Record<string, Recorded>;
}

export const osvTranscript = readJson('osv-api.json') as Transcript;

export interface OsvServer {
  url: string;
  batches: Batch[];
  /** Ids of the advisories that were asked for. */
  asked: string[];
  /** What a client did that the transcript does not know. */
  violations: string[];
  /** What it knows, by `<ecosystem> <name>@<version>`; tests add to it. */
  known: Record<string, string[]>;
  documents: Map<string, Record<string, unknown>>;
  /** How many advisories of one query are on a page. */
  page_size: number;
  /** Answers to the next calls in place of its own; `hang` never answers. */
  failures: (Recorded | 'hang')[];
  /** The most calls it has had at once. */
  busiest: number;
  close(): Promise<void>;
}

/** A server on a real socket that speaks the OSV API as the transcript has it, and says what a client does wrong. */
export async function osvServer(): Promise<OsvServer> {
  let busy = 0;
  const server = createServer((request, response) => {
    state.busiest = Math.max(state.busiest, (busy += 1));
    response.on('close', () => (busy -= 1));
    void bodyOf(request).then((body) => answer(state, { request, body }, response));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const state: OsvServer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    batches: [],
    asked: [],
    violations: [],
    known: readJson('known.json') as Record<string, string[]>,
    documents: new Map(
      readdirSync(OSV_DOCUMENTS).map((name) => [
        path.basename(name, '.json'),
        readJson(`documents/${name}`) as Record<string, unknown>,
      ]),
    ),
    page_size: 1000,
    failures: [],
    busiest: 0,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return state;
}

function answer(
  state: OsvServer,
  { request, body }: { request: IncomingMessage; body: string },
  response: ServerResponse,
): void {
  const send = ({ status, headers, body: content }: Recorded) => {
    response.writeHead(status, headers);
    response.end(typeof content === 'string' ? content : JSON.stringify(content));
  };
  const ok = (content: unknown) =>
    send({ status: 200, headers: { 'content-type': 'application/json' }, body: content });
  const fail = (name: string, violation?: string) => {
    if (violation !== undefined) state.violations.push(violation);
    send(osvTranscript.errors[name]!);
  };
  const call = `${request.method} ${request.url}`;
  const id = /^GET \/v1\/vulns\/([^/?]+)$/.exec(call)?.[1];
  if (id !== undefined) state.asked.push(decodeURIComponent(id));
  const batch = call === 'POST /v1/querybatch' ? (JSON.parse(body) as Batch) : undefined;
  if (batch) state.batches.push(batch);
  const failure = state.failures.shift();
  if (failure === 'hang') return;
  if (failure) return send(failure);
  if (batch) {
    const problem = problemOf(batch);
    return problem === undefined
      ? ok({ results: batch.queries.map((query) => resultOf(state, query)) })
      : fail('invalid', problem);
  }
  if (id === undefined) return fail('not_found', call);
  const document = state.documents.get(decodeURIComponent(id));
  return document ? ok(document) : fail('not_found');
}

function problemOf({ queries }: Batch): string | undefined {
  const { max_queries, query_fields, package_fields } = osvTranscript.querybatch;
  if (queries.length > max_queries) return 'too many queries';
  const strange = queries
    .flatMap((query) => [
      ...Object.keys(query).filter((name) => !query_fields.includes(name)),
      ...Object.keys(query.package).filter((name) => !package_fields.includes(name)),
    ])
    .at(0);
  if (strange !== undefined) return `a query with ${strange}`;
  const complete = queries.every(({ package: { name, ecosystem }, version }) => name && ecosystem && version);
  return complete ? undefined : 'a query without package or version';
}

/** A token is where the next page begins. */
function resultOf({ known, documents, page_size }: OsvServer, query: Query): unknown {
  const { name, ecosystem } = query.package;
  const ids = known[`${ecosystem} ${name}@${query.version}`];
  if (ids === undefined) return {};
  const from = Number(query.page_token ?? 0);
  const vulns = ids
    .slice(from, from + page_size)
    .map((id) => ({ id, modified: documents.get(id)?.modified ?? '2020-01-01T00:00:00Z' }));
  const next = from + Math.max(1, page_size);
  return {
    ...(vulns.length === 0 ? {} : { vulns }),
    ...(next < ids.length ? { next_page_token: String(next) } : {}),
  };
}

function readJson(name: string): unknown {
  return JSON.parse(readFileSync(path.join(FIXTURES, name), 'utf8'));
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}
