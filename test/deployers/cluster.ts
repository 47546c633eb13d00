import type { IncomingMessage } from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { certificateFor } from '../git/certificate.ts';

type Fields = Record<string, unknown>;

export interface Cluster {
  host: string;
  cert: string;
  token: string;
  port(): number;
  /** What is there, by its address. */
  objects: Map<string, Fields>;
  /** Requests that the API would refuse; must be empty. */
  violations: string[];
  /** Method and address, in order. */
  calls: string[];
}

const ADDRESS =
  /^(\/api\/v1|\/apis\/[a-z0-9.]+\/v[0-9a-z]+)\/namespaces\/([a-z0-9-]+)\/([a-z]+)\/([a-z0-9.-]+)$/;
const NAMESPACE = 'shop';

/**
 * The part of the Kubernetes API that a deployment needs: server-side apply (a PATCH of `application/apply-patch+yaml`
 * with a field manager), GET and DELETE of objects, 404 and Status bodies, over TLS with a bearer token. Deployments come
 * up when they were looked at a few times, and never with the image `broken`.
 */
export function cluster(host: string): Cluster {
  const { cert, key } = certificateFor(host);
  const state: Cluster = {
    host,
    cert,
    token: 'cluster-token',
    port: () => (server.address() as AddressInfo).port,
    objects: new Map(),
    violations: [],
    calls: [],
  };
  const server = https.createServer({ cert, key }, (request, response) => {
    void answer(state, request).then(({ status, body }) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body)),
    );
  });
  beforeAll(() => new Promise<void>((done) => server.listen(0, '127.0.0.1', done)));
  beforeEach(() => {
    state.calls.length = 0;
    state.violations.length = 0;
  });
  afterEach(() => expect(state.violations).toEqual([]));
  afterAll(() => new Promise((done) => (server.close(done), server.closeAllConnections())));
  return state;
}

const failure = (code: number, reason: string, message: string) => ({
  status: code,
  body: { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason, code },
});

async function answer(state: Cluster, request: IncomingMessage): Promise<{ status: number; body: unknown }> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const url = new URL(request.url ?? '/', 'https://host');
  state.calls.push(`${request.method} ${url.pathname}`);
  if (request.headers.authorization !== `Bearer ${state.token}`) {
    return failure(401, 'Unauthorized', `Unauthorized: ${request.headers.authorization}`);
  }
  const [, , namespace, plural, name] = ADDRESS.exec(url.pathname) ?? [];
  if (name === undefined || plural === undefined) return violated(state, `no such address ${url.pathname}`);
  if (namespace !== NAMESPACE) return failure(404, 'NotFound', `namespaces "${namespace}" not found`);
  switch (request.method) {
    case 'PATCH':
      return apply(state, {
        url,
        request,
        name,
        body: JSON.parse(Buffer.concat(chunks).toString()) as Fields,
      });
    case 'GET': {
      const object = state.objects.get(url.pathname);
      return object
        ? { status: 200, body: lookedAt(object) }
        : failure(404, 'NotFound', `${plural} "${name}" not found`);
    }
    case 'DELETE':
      return state.objects.delete(url.pathname)
        ? { status: 200, body: { kind: 'Status', status: 'Success' } }
        : failure(404, 'NotFound', `${plural} "${name}" not found`);
    default:
      return violated(state, `method ${request.method}`);
  }
}

interface Patch {
  url: URL;
  request: IncomingMessage;
  name: string;
  body: Fields;
}

function apply(state: Cluster, { url, request, name, body }: Patch): { status: number; body: unknown } {
  const metadata = body.metadata as Fields;
  if (request.headers['content-type'] !== 'application/apply-patch+yaml')
    return violated(state, 'content-type');
  if (url.searchParams.get('fieldManager') !== 'orchestrator') return violated(state, 'fieldManager');
  if (url.searchParams.get('force') !== 'true') return violated(state, 'force');
  if (metadata.name !== name || body.kind === undefined || body.apiVersion === undefined)
    return violated(state, 'body');
  if (JSON.stringify(body).includes('invalid-value'))
    return failure(422, 'Invalid', `${name} is invalid: spec.replicas`);
  const before = state.objects.get(url.pathname);
  const { status: _status, ...old } = before ?? {};
  const same = JSON.stringify({ ...old, metadata: null }) === JSON.stringify({ ...body, metadata: null });
  const generation = Number((before?.metadata as Fields | undefined)?.generation ?? 0) + (same ? 0 : 1);
  const object = {
    ...body,
    metadata: { ...metadata, namespace: NAMESPACE, generation },
    status: before?.status ?? {},
  };
  state.objects.set(url.pathname, object);
  return { status: before ? 200 : 201, body: object };
}

/** What a controller does between two looks. */
function lookedAt(object: Fields): Fields {
  if (object.kind !== 'Deployment') return object;
  const { generation } = object.metadata as Fields;
  const replicas = Number((object.spec as Fields).replicas ?? 1);
  const status = object.status as Fields;
  if (JSON.stringify(object.spec).includes('"broken"')) {
    const message = 'ReplicaSet "web" has timed out progressing.';
    const conditions = [
      { type: 'Progressing', status: 'False', reason: 'ProgressDeadlineExceeded', message },
    ];
    object.status = { observedGeneration: generation, replicas, updatedReplicas: replicas, conditions };
  } else if (status.observedGeneration !== generation) {
    object.status = {
      observedGeneration: generation,
      replicas: replicas + 1,
      updatedReplicas: 1,
      availableReplicas: replicas,
    };
  } else {
    object.status = {
      observedGeneration: generation,
      replicas,
      updatedReplicas: replicas,
      availableReplicas: replicas,
    };
  }
  return object;
}

function violated(state: Cluster, what: string) {
  state.violations.push(what);
  return failure(400, 'BadRequest', what);
}
