import path from 'node:path';
import { kubernetesDeployer } from '../../src/clients/deployers/kubernetes.ts';
import { createGuardedFetch } from '../../src/clients/http/guarded-fetch.ts';
import type { DeployEnvironment } from '../../src/contract/deployer.ts';
import type { Json } from '../../src/contract/json.ts';
import { cluster } from './cluster.ts';
import { artifactAt, localFetch, scratch } from './support.ts';

const root = scratch();
const api = cluster('cluster.example');
const deployer = kubernetesDeployer({
  base_directory: path.join(root, 'deployed'),
  fetch: localFetch(),
  connect: (ca) =>
    createGuardedFetch({ allow: ['cluster.example'], ca, resolve: () => Promise.resolve(['127.0.0.1']) }),
});

const WEB = (image: string, more = '') => `apiVersion: apps/v1
kind: Deployment
metadata: { name: web, labels: { app: web } }
spec:
  replicas: 2
  template:
    spec: { containers: [{ name: web, image: ${image}, env: [{ name: COLOUR, value: "\${COLOUR} \${OTHER} \${RELEASE_ID}" }] }] }
${more}`;
const SERVICE = 'apiVersion: v1\nkind: Service\nmetadata: { name: web }\nspec: { ports: [{ port: 80 }] }\n';
const MAP = '---\napiVersion: v1\nkind: ConfigMap\nmetadata: { name: extra }\ndata: { a: b }\n';

const artifact = (name: string, files: Record<string, string>) =>
  artifactAt(
    path.join(root, name),
    Object.fromEntries(Object.entries(files).map(([file, text]) => [`kubernetes/${file}`, text])),
  );
const one = artifact('one', { 'web.yaml': WEB('web:1', MAP), 'service.yml': SERVICE });
const two = artifact('two', { 'web.yaml': WEB('web:2'), 'service.yml': SERVICE });
const broken = artifact('broken', {
  'web.yaml': WEB('broken'),
  'more.json': '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"new"}}',
});

const environment = (name: string, more: Record<string, Json> = {}): DeployEnvironment => ({
  name,
  settings: {
    api_url: `https://cluster.example:${api.port()}`,
    token: api.token,
    ca: api.cert,
    namespace: 'shop',
    poll_ms: 10,
    ...more,
  },
  variables: { COLOUR: 'green' },
});
const there = () => [...api.objects.keys()].map((address) => address.split('/').slice(-2).join('/')).sort();
const spec = (address: string) => JSON.stringify(api.objects.get(address)?.spec);
const WEB_AT = '/apis/apps/v1/namespaces/shop/deployments/web';

test('objects are applied with marks of their release, the rollout is waited for, and what is gone is removed', async () => {
  const place = environment('staging');
  const first = await deployer.deploy({ ...one, release_id: 'r1', environment: place });
  expect(there()).toEqual(['configmaps/extra', 'deployments/web', 'services/web']);
  expect(spec(WEB_AT)).toContain('green ${OTHER} r1');
  expect(api.objects.get(WEB_AT)!.metadata).toMatchObject({
    labels: { app: 'web', 'app.kubernetes.io/managed-by': 'orchestrator' },
    annotations: { 'orchestrator/release-id': 'r1', 'orchestrator/digest': one.digest },
  });
  expect(first.evidence.objects).toContainEqual({ object: 'Deployment web', state: 'ready', detail: '' });
  expect(api.objects.get(WEB_AT)!.status).toMatchObject({ observedGeneration: 1, replicas: 2 });

  await deployer.deploy({ ...two, release_id: 'r2', environment: place });
  expect(there()).toEqual(['deployments/web', 'services/web']);
  expect(spec(WEB_AT)).toContain('web:2');
  expect(await deployer.status({ environment: place })).toMatchObject({
    current: { release_id: 'r2' },
    healthy: true,
  });

  await deployer.rollback({ to: 'r1', environment: place });
  expect(spec(WEB_AT)).toContain('web:1');
  expect(there()).toEqual(['configmaps/extra', 'deployments/web', 'services/web']);
});

test('deploying what is live asks the cluster nothing', async () => {
  const outcome = await deployer.deploy({ ...one, release_id: 'r1', environment: environment('staging') });
  expect(outcome).toMatchObject({ changed: false, evidence: { noop: true } });
  expect(api.calls).toEqual([]);
});

test('a rollout that fails is taken back, with the objects it brought', async () => {
  const place = environment('staging');
  await expect(deployer.deploy({ ...broken, release_id: 'r3', environment: place })).rejects.toMatchObject({
    code: 'unhealthy',
    message: 'Deployment web failed: ReplicaSet "web" has timed out progressing.',
    evidence: {
      objects: expect.arrayContaining([
        expect.objectContaining({ object: 'Deployment web', state: 'failed' }),
      ]) as Json,
    },
  });
  expect(spec(WEB_AT)).toContain('web:1');
  expect(there()).toEqual(['configmaps/extra', 'deployments/web', 'services/web']);
  expect(await deployer.status({ environment: place })).toMatchObject({
    current: { release_id: 'r1' },
    healthy: true,
  });
});

test('a first release that fails is removed', async () => {
  api.objects.clear();
  await expect(
    deployer.deploy({ ...broken, release_id: 'r1', environment: environment('first') }),
  ).rejects.toMatchObject({ code: 'unhealthy' });
  expect(there()).toEqual([]);
});

test('what the cluster refuses is told, without the token', async () => {
  const invalid = artifact('invalid', { 'x.yaml': WEB('invalid-value') });
  await expect(
    deployer.deploy({ ...invalid, release_id: 'r1', environment: environment('refused') }),
  ).rejects.toMatchObject({
    code: 'deploy_failed',
    message: 'The cluster answered 422: web is invalid: spec.replicas.',
  });
  const wrong = environment('refused', { token: 'wrong-token' });
  const failed = await deployer.deploy({ ...one, release_id: 'r2', environment: wrong }).then(
    () => null,
    (error: Error) => error,
  );
  expect(failed?.message).toContain('answered 401: Unauthorized: Bearer ***');
  expect(failed?.message).not.toContain('wrong-token');
  const other = environment('elsewhere', { namespace: 'other' });
  await expect(deployer.deploy({ ...one, release_id: 'r1', environment: other })).rejects.toMatchObject({
    message: 'The cluster has no such namespace or kind.',
  });
});

test('a cluster that is not the one of the certificate is not spoken to', async () => {
  const place = environment('untrusted', { ca: undefined as unknown as Json });
  await expect(deployer.deploy({ ...one, release_id: 'r1', environment: place })).rejects.toMatchObject({
    message: expect.stringContaining('could not be reached') as string,
  });
  expect(api.calls).toEqual([]);
});

test.each([
  [
    'a kind that may not be deployed',
    {
      'x.yaml': 'apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\nmetadata: { name: x }\n',
    },
  ],
  [
    'a kind that is a name of objects',
    { 'x.yaml': 'apiVersion: toString\nkind: x\nmetadata: { name: x }\n' },
  ],
  [
    'another namespace',
    { 'x.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: x, namespace: kube-system }\n' },
  ],
  [
    'a name that leads elsewhere',
    { 'x.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: "../secrets/x" }\n' },
  ],
  ['no YAML', { 'x.yaml': 'a: [' }],
  ['nothing', { 'readme.md': 'x' }],
])('manifests with %s are refused before anything is applied', async (what, files) => {
  const place = environment('manifests');
  const deploying = deployer.deploy({
    ...artifact(what, files),
    release_id: what.replaceAll(' ', '-'),
    environment: place,
  });
  await expect(deploying).rejects.toMatchObject({ code: 'artifact_invalid' });
  expect(api.calls).toEqual([]);
});
