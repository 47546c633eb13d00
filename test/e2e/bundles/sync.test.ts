import { BUNDLE_MEDIA_TYPE } from '../../../src/domain/rules/bundle-format.ts';
import { kindOf, linesOf } from '../../support/bundles.ts';
import { definition, transform } from '../../support/definitions.ts';
import { type Product, startProduct } from '../../support/product.ts';

/** Two instances, each with a database of its own, as docs/bundles.md brings them together. */
let ours: Product;
let theirs: Product;

beforeAll(async () => {
  [ours, theirs] = [await startProduct({ worker: false }), await startProduct({ worker: false })];
});

afterAll(async () => {
  await ours?.stop();
  await theirs?.stop();
});

interface Report {
  imported: { artifacts: number; blobs: number };
  tags: { name: string; result: string; tag_version: number }[];
}

const authorization = ({ token }: Product) => ({ authorization: `Bearer ${token}` });

/** `curl -s "$THEIRS/workflows/…/bundle?have=$HAVE"`. */
async function bundle(from: Product, workflow: string, have: string[]): Promise<string> {
  const query = have.length > 0 ? `?have=${have.join(',')}` : '';
  const url = `${from.url}/api/v1/workflows/${workflow}/bundle${query}`;
  const answer = await fetch(url, { headers: authorization(from) });
  expect([answer.status, answer.headers.get('content-type')]).toEqual([200, BUNDLE_MEDIA_TYPE]);
  expect(answer.headers.get('content-disposition')).toBe(`attachment; filename="${workflow}.bundle"`);
  return answer.text();
}

/** `| curl -s -X POST -T - "$OURS/workflows/import"`. */
async function take(to: Product, text: string): Promise<Report> {
  const headers = { ...authorization(to), 'content-type': BUNDLE_MEDIA_TYPE };
  const answer = await fetch(`${to.url}/api/v1/workflows/import`, { method: 'POST', headers, body: text });
  expect(answer.status).toBe(200);
  return (await answer.json()) as Report;
}

/** What the reader's tags have is what it offers. */
async function heads(of: Product, workflow: string): Promise<string[]> {
  const { body } = await of.call<{ items: { target_id: string; target_hash: string }[] }>(
    'GET',
    `/tags?workflow=${workflow}`,
  );
  return [...new Set(body.items.flatMap((tag) => [tag.target_id, tag.target_hash]))];
}

async function pull(to: Product, from: Product, workflow: string) {
  const text = await bundle(from, workflow, await heads(to, workflow));
  const report = await take(to, text);
  const kinds = linesOf(text).map(kindOf);
  const count = (kind: string) => kinds.filter((one) => one === kind).length;
  return { report, bytes: text.length, artifacts: count('artifact'), blobs: count('blob') };
}

const patch = (at: Product, tag: string, value: unknown) =>
  at.call('POST', '/patches', {
    tag,
    operations: [{ op: 'replace', path: '/nodes/a/config/value', value }],
  });

test('a second pull after one more patch brings that patch alone, and undo here goes back to the first', async () => {
  const file = Buffer.alloc(300_000, 'data');
  const put = await fetch(`${theirs.url}/api/v1/blobs`, {
    method: 'PUT',
    headers: { ...authorization(theirs), 'content-type': 'text/plain' },
    body: file,
  });
  const { cas_id } = (await put.json()) as { cas_id: string };
  await theirs.publish('checkout', definition('checkout', { a: transform(0) }, { files: { data: cas_id } }));
  for (const value of [1, 2, 3]) await patch(theirs, 'checkout', value);
  await theirs.call('PUT', '/tags/checkout%2Fproduction', { target: 'checkout' });

  const first = await pull(ours, theirs, 'checkout');
  expect(first).toMatchObject({ artifacts: 4, blobs: 5, report: { imported: { artifacts: 4, blobs: 5 } } });
  expect(first.report.tags.map((tag) => tag.result)).toEqual(['created', 'created']);

  await patch(theirs, 'checkout', 4);
  const second = await pull(ours, theirs, 'checkout');
  expect(second).toMatchObject({ artifacts: 1, blobs: 1, report: { imported: { artifacts: 1, blobs: 1 } } });
  expect(second.report.tags.map((tag) => tag.result)).toEqual(['fast_forwarded', 'unchanged']);
  expect(second.bytes).toBeLessThan(first.bytes / 50);

  const third = await pull(ours, theirs, 'checkout');
  expect(third).toMatchObject({ artifacts: 0, blobs: 0, report: { imported: { artifacts: 0, blobs: 0 } } });

  const [there, here] = await Promise.all(
    [theirs, ours].map((at) => at.call('GET', '/workflows/checkout?materialize=true')),
  );
  for (const member of ['artifact_id', 'version_hash', 'definition', 'depth', 'created_at'])
    expect(here!.body[member]).toEqual(there!.body[member]);
  expect((await ours.call('POST', '/tags/checkout/undo', {})).body).toMatchObject({ version: 3 });
  const undone = await ours.call('GET', '/workflows/checkout?materialize=true');
  expect(undone.body.definition).toMatchObject({ nodes: { a: { config: { value: 3 } } } });
});

test('both ways: what one side pushes and the other pushes back is one history', async () => {
  await ours.publish('ping', definition('ping', { a: transform(0) }));
  await pull(theirs, ours, 'ping');
  for (const value of [1, 2, 3]) {
    const [from, to] = value % 2 === 0 ? [ours, theirs] : [theirs, ours];
    await patch(from, 'ping', value);
    const { report, artifacts } = await pull(to, from, 'ping');
    expect([artifacts, report.tags[0]!.result]).toEqual([1, 'fast_forwarded']);
  }
  expect(await heads(ours, 'ping')).toEqual(await heads(theirs, 'ping'));
});

test('where both sides went on, negotiation finds what they share, and a merge brings them together', async () => {
  await ours.publish('fork', definition('fork', { a: transform(0), b: transform(0) }));
  await pull(theirs, ours, 'fork');
  await patch(ours, 'fork', 'ours');
  await theirs.call('POST', '/patches', {
    tag: 'fork',
    operations: [{ op: 'replace', path: '/nodes/b/config/value', value: 'theirs' }],
  });
  // What our tags have is unknown there; what there is of their history here is not.
  const { body: versions } = await theirs.call<{ items: { version_hash: string }[] }>(
    'GET',
    '/workflows/fork/versions?limit=100',
  );
  const version_hashes = versions.items.map((version) => version.version_hash);
  const { body: known } = await ours.call<{ have: string[]; missing: string[] }>(
    'POST',
    '/workflows/import/negotiate',
    { version_hashes },
  );
  expect([known.have.length, known.missing.length]).toEqual([1, 1]);
  const thin = await bundle(theirs, 'fork', known.have);
  expect(
    linesOf(thin)
      .map(kindOf)
      .filter((kind) => kind === 'artifact'),
  ).toHaveLength(1);
  expect((await take(ours, thin)).tags).toMatchObject([{ name: 'fork', result: 'diverged' }]);

  const merged = await ours.call('POST', '/merge', { ours: 'fork', theirs: known.missing[0], tag: 'fork' });
  expect([merged.status, merged.body]).toEqual([
    expect.any(Number),
    expect.objectContaining({ conflicts: [] }),
  ]);
  expect((await pull(theirs, ours, 'fork')).report.tags).toMatchObject([{ result: 'fast_forwarded' }]);
});
