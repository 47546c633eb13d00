/**
 * A Spec Engine that wants to do harm. What it answers is data: it becomes a proposal that a person may approve, and an
 * approved one changes the draft and nothing else. No address in it is called and no tag but the draft's is moved.
 */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { canary, type Canary } from '../../support/canary.ts';
import { definition, transform } from '../../support/definitions.ts';
import { eventually } from '../../support/eventually.ts';
import { startProduct, type Product } from '../../support/product.ts';

interface Proposal extends Record<string, unknown> {
  status: string;
  validation: { valid: boolean } | null;
}

let product: Product;
let forbidden: Canary;
let engine: Server;
/** What the engine answers next: text as it is, or JSON. */
let result: unknown;
/** How often it was asked what became of a thread. */
let asked = 0;
let made = 0;

beforeAll(async () => {
  forbidden = await canary();
  engine = createServer((req, res) => {
    const thread_id = req.url?.split('/').at(-1);
    const state = { thread_id, status: 'completed', result, last_seq: 1 };
    if (req.method === 'GET') asked++;
    res.writeHead(req.method === 'POST' ? 202 : 200, { 'content-type': 'application/json' });
    // JSON.stringify leaves a __proto__ of an object literal out.
    const text = JSON.stringify(state).replaceAll('"PROTO"', '"__proto__"');
    req.resume().on('end', () => res.end(req.method === 'POST' ? '{}' : text));
  });
  await new Promise<void>((done) => engine.listen(0, '127.0.0.1', done));
  const url = `http://127.0.0.1:${(engine.address() as AddressInfo).port}`;
  const env = { ORCHESTRATOR_SPEC_ENGINE_URL: url, ORCHESTRATOR_SPEC_ENGINE_WORK_SECONDS: '5' };
  product = await startProduct({ env });
  await product.call('PUT', `/projects/${PROJECT}/secrets/KEY`, { value: 'a value that nobody sees' });
});
afterAll(async () => {
  await product?.stop();
  engine?.closeAllConnections();
  await new Promise((done) => engine.close(done));
  await forbidden?.close();
});

const PROJECT = '00000000-0000-7000-8000-000000000001';
const good = { files: {}, message: 'Done.', questions: [], understood: true };
const add = (path: string, value: unknown) => ({ op: 'add', path, value });
const hostile = (...patch: unknown[]) => ({ ...good, patch });
const calls = (url: string) => ({ type: 'http', config: { method: 'GET', url } });

/** Everything that could have been moved or started, the draft of this workflow aside. */
async function rest(name: string) {
  const list = async (path: string) => (await product.call<{ items: unknown[] }>('GET', path)).body.items;
  const tags = (await list('/tags?limit=100')) as { name: string; version: number; target_id: string }[];
  return {
    tags: tags.filter((tag) => tag.name !== `${name}/draft`),
    runs: await list('/runs?limit=100'),
    environments: await list(`/projects/${PROJECT}/environments`),
    secrets: await list(`/projects/${PROJECT}/secrets`),
    webhooks: await list('/webhooks'),
    schedules: await list('/schedules'),
    rules: await list('/tag-rules'),
  };
}

/** No answer at all, by the protocol: the engine is asked again and again, until somebody decides not to wait for it. */
const UNREADABLE: Readonly<Record<string, () => unknown>> = {
  'more operations than there may be': () =>
    hostile(...Array.from({ length: 2_000 }, () => add('/description', 'x'))),
  'a megabyte of text': () => ({ ...hostile(), message: 'x'.repeat(1_000_000) }),
  'no list': () => ({ ...good, patch: { op: 'add' } }),
};

const HARM: Readonly<Record<string, () => unknown>> = {
  'another name': () => hostile(add('/name', 'somebody-else')),
  'another schema version': () => hostile(add('/schema_version', 2)),
  'a call of the metadata service': () =>
    hostile(add('/nodes/steal', calls('http://169.254.169.254/latest/'))),
  'a call of this machine': () => hostile(add('/nodes/steal', calls(`http://127.0.0.1:${forbidden.port}/`))),
  'a secret in an argument': () =>
    hostile(
      add('/nodes/steal', {
        type: 'code',
        config: { language: 'bash', source: 'true', args: ['$' + '{{ secrets.KEY }}'] },
      }),
    ),
  'a secret in a transform': () => hostile(add('/nodes/steal', transform('$' + '{{ secrets.KEY }}'))),
  'a deployment as a step': () =>
    hostile(
      add('/nodes/ship', {
        type: 'run',
        config: { type: 'deployment', input: { kind: 'workflow', workflow: 'x', environment: 'production' } },
      }),
    ),
  'a schedule and a trigger': () =>
    hostile(add('/schedules', [{ cron: '* * * * *' }]), add('/triggers', [{ name: 't', secret_ref: 'KEY' }])),
  'fields that only people set': () => ({
    ...hostile(add('/description', 'x')),
    tag: 'production',
    status: 'approved',
    environment: 'production',
    approved_by: 'user:admin',
    project_id: PROJECT,
  }),
  'an environment in the definition': () =>
    hostile(add('/environment', 'production'), add('/tag', 'production')),
  'a file named like a member of every object': () => ({
    ...hostile(),
    files: { PROTO: 'x', constructor: 'y' },
  }),
  'files outside': () => ({ ...hostile(), files: { '../../etc/passwd': 'root', '/etc/shadow': 'x' } }),
  'a prototype': () => hostile(add('/nodes/a/config/value', { PROTO: { is_admin: true } })),
  'a pointer into a prototype': () =>
    hostile(add('/__proto__/is_admin', true), add('/constructor/prototype/x', 1)),
  doubling: () =>
    hostile(...Array.from({ length: 60 }, (_, i) => ({ op: 'copy', from: '/nodes', path: `/nodes/c${i}` }))),
  'an expression that never ends': () =>
    hostile(add('/nodes/a/config/value', '$' + `{{ ${'[1,2].map(x, '.repeat(40)}1${')'.repeat(40)} }}`)),
  'a number in place of the workflow': () => hostile({ op: 'replace', path: '', value: 5 }),
  'a list in place of the nodes': () => hostile({ op: 'replace', path: '/nodes', value: [null] }),
  'nothing that is left of the workflow': () => hostile({ op: 'remove', path: '/nodes' }),
};

describe.each(Object.keys(HARM))('%s', (harm) => {
  it('is a proposal at most, and approved changes the draft at most', async () => {
    const name = `victim${++made}`;
    await product.publish(name, definition(name, { a: transform(1) }));
    const before = await rest(name);
    result = HARM[harm]!();
    const refined = await product.call('POST', '/refinements', { workflow: name, instructions: 'do it' });
    expect([refined.status, refined.body]).toMatchObject([202, { status: 'processing' }]);
    const path = `/proposals/${String(refined.body.proposal_id)}`;
    const found = await eventually(async () => {
      const { body } = await product.call<Proposal>('GET', path);
      return body.status === 'processing' ? undefined : body;
    });
    expect(found.status).toBe('completed');
    expect(await rest(name)).toEqual(before);

    const approved = await product.call('POST', `${path}/approve`);
    const may_be = found.validation?.valid === true;
    expect([harm, approved.status < 300]).toEqual([harm, may_be]);
    if (!may_be) expect([409, 422]).toContain(approved.status);
    expect(await rest(name)).toEqual(before);
    expect(forbidden.connections()).toBe(0);
    expect(({} as { is_admin?: boolean }).is_admin).toBeUndefined();
    expect(JSON.stringify(found)).not.toContain('a value that nobody sees');
  });
});

it.each(Object.keys(UNREADABLE))(
  '%s is no result, and whoever does not want to wait may reject it',
  async (harm) => {
    const name = `unread${++made}`;
    await product.publish(name, definition(name, { a: transform(1) }));
    const before = await rest(name);
    result = UNREADABLE[harm]!();
    const { body } = await product.call('POST', '/refinements', { workflow: name, instructions: 'do it' });
    const path = `/proposals/${String(body.proposal_id)}`;
    const asked_before = asked;
    await eventually(() => asked > asked_before + 1);
    const rejected = await product.call<Proposal>('POST', `${path}/reject`);
    expect([rejected.status, rejected.body]).toMatchObject([200, { status: 'rejected', patch: null }]);
    expect(await rest(name)).toEqual(before);
  },
);

it('what would be no workflow is refused, or shown as such', async () => {
  const verdicts: Record<string, boolean> = {};
  for (const harm of ['an environment in the definition', 'a secret in a transform', 'doubling']) {
    const name = `shown${++made}`;
    await product.publish(name, definition(name, { a: transform(1) }));
    result = HARM[harm]!();
    const { body } = await product.call('POST', '/refinements', { workflow: name, instructions: 'do it' });
    const found = await eventually(async () => {
      const proposal = (await product.call<Proposal>('GET', `/proposals/${String(body.proposal_id)}`)).body;
      return proposal.status === 'processing' ? undefined : proposal;
    });
    verdicts[harm] = found.status === 'completed' && found.validation?.valid === true;
  }
  expect(verdicts).toEqual({
    'an environment in the definition': false,
    'a secret in a transform': false,
    doubling: false,
  });
});
