import { findAdvisories } from '../../../src/analysis/security/advisories.ts';
import type { PackageVersion } from '../../../src/contract/advisory.ts';
import { osvApi, type OsvApiOptions } from '../../../src/clients/advisories/osv-api.ts';
import type { OsvDocument } from '../../../src/clients/advisories/osv-document.ts';
import { createGuardedFetch } from '../../../src/clients/http/guarded-fetch.ts';
import { sourceFile } from '../../analysis/analyse-text.ts';
import { eventually } from '../../support/eventually.ts';
import { type OsvServer, osvServer, osvTranscript } from '../../support/osv-server.ts';

const { errors, querybatch } = osvTranscript;
const fetch = createGuardedFetch({ allow: ['127.0.0.1'], timeout_ms: 20_000 });
const never = new AbortController().signal;
const LODASH = { ecosystem: 'npm', name: 'lodash', version: '4.17.20' };
const JINJA = { ecosystem: 'PyPI', name: 'jinja2', version: '2.4.1' };
let server: OsvServer;

beforeEach(async () => {
  server = await osvServer();
});
afterEach(async () => {
  await server.close();
  expect(server.violations).toEqual([]);
});
afterAll(() => fetch.close());

const source = (more: Partial<OsvApiOptions> = {}) =>
  osvApi({ fetch, base_url: server.url, cache: new Map<string, OsvDocument>(), first_retry_ms: 1, ...more });
const many = (count: number): PackageVersion[] =>
  Array.from({ length: count }, (_, i) => ({ ecosystem: 'npm', name: `p${i}`, version: '1.0.0' }));
const ids = ({ advisories }: { advisories: { id: string }[] }) => advisories.map(({ id }) => id).sort();

/** Makes the server know so many advisories of lodash. */
function publish(count: number): void {
  const names = Array.from({ length: count }, (_, i) => `T-${i}`);
  server.known['npm lodash@4.17.20'] = names;
  for (const id of names) server.documents.set(id, { id, modified: '2024-01-01T00:00:00Z' });
}

test('the stand-in answers as the transcript has it', async () => {
  const body = JSON.stringify(querybatch.request);
  const post = { method: 'POST' as const, url: `${server.url}/v1/querybatch`, body };
  const answer = await fetch(post, { signal: never });
  expect(JSON.parse(Buffer.from(answer.body).toString())).toEqual(querybatch.answer);
});

test('flaws that the server knows are told with severity, fix and plain summary', async () => {
  const packages = [LODASH, JINJA, { ecosystem: 'npm', name: 'left-pad', version: '1.3.0' }];
  expect(await source()(packages, never)).toEqual({
    advisories: [
      {
        id: 'GHSA-35jh-r3h4-6jhm',
        ecosystem: 'npm',
        package: 'lodash',
        version: '4.17.20',
        summary: 'Command Injection in lodash',
        severity: 'error',
        fixed_in: '4.17.21',
      },
      {
        id: 'GHSA-462w-v97r-4m45',
        ecosystem: 'PyPI',
        package: 'jinja2',
        version: '2.4.1',
        summary: 'Jinja2 sandbox escape via str.format_map',
        severity: 'error',
        fixed_in: '2.10.1',
      },
    ],
    problems: [],
  });
});

test('they are findings of the lock file that has the version', async () => {
  const lock = sourceFile('yarn.lock', 'lodash@^4.0.0:\n  version "4.17.20"\n');
  expect(await findAdvisories([lock], source(), never)).toMatchObject({
    findings: [
      {
        message: 'lodash 4.17.20: Command Injection in lodash (GHSA-35jh-r3h4-6jhm). Fixed in 4.17.21.',
        line: 1,
        severity: 'error',
      },
    ],
    problems: [],
  });
});

test('a withdrawn advisory is none', async () => {
  server.known['npm lodash@4.17.20']?.push('GHSA-0000-gone-0000');
  expect(ids(await source()([LODASH], never))).toEqual(['GHSA-35jh-r3h4-6jhm']);
});

test('at most 1,000 versions go into one call, each once, and few calls at once', async () => {
  publish(40);
  const answer = await source()([...many(2_500), ...many(10), LODASH], never);
  expect(answer.advisories).toHaveLength(40);
  expect(server.batches.map(({ queries }) => queries.length).sort()).toEqual([1000, 1000, 501]);
  expect(server.busiest).toBeLessThanOrEqual(4);
});

test('every page is read, and only of what has one more', async () => {
  server.page_size = 2;
  publish(7);
  const answer = await source()([JINJA, LODASH], never);
  expect(answer.advisories).toHaveLength(8);
  expect(server.batches.map(({ queries }) => queries.length)).toEqual([2, 1, 1, 1]);
});

test('a page may hold nothing but the token of the next one', async () => {
  const headers = { 'content-type': 'application/json' };
  const token = { results: [{ next_page_token: '0' }] };
  server.failures = [{ status: 200, headers, body: token }];
  expect(ids(await source()([LODASH], never))).toEqual(['GHSA-35jh-r3h4-6jhm']);
});

test('pages without end are given up, and what was found stands', async () => {
  server.page_size = 1;
  publish(60);
  const { problems } = await source()([LODASH], never);
  expect(problems).toEqual(['The source of advisories has more pages than are read.']);
  expect(server.batches).toHaveLength(20);
});

test('more advisories than are looked at are said to be missing', async () => {
  publish(10);
  const { problems } = await source({ max_hits: 5 })([LODASH], never);
  expect(problems).toEqual(['More advisories are known than are looked at.']);
});

test('an advisory is asked for once until it changes, and names are asked for each time', async () => {
  const cache = new Map<string, OsvDocument>();
  for (let i = 0; i < 3; i += 1) await source({ cache })([LODASH], never);
  expect(server.asked).toEqual(['GHSA-35jh-r3h4-6jhm']);
  expect(server.batches).toHaveLength(3);
  server.documents.set('GHSA-35jh-r3h4-6jhm', {
    id: 'GHSA-35jh-r3h4-6jhm',
    modified: '2025-01-01T00:00:00Z',
    summary: 'Worse',
  });
  expect((await source({ cache })([LODASH], never)).advisories).toMatchObject([{ summary: 'Worse' }]);
});

test('what is told does not depend on how much the cache holds', async () => {
  publish(5);
  const cache = { get: () => undefined, set: () => undefined };
  expect((await source({ cache })([LODASH], never)).advisories).toHaveLength(5);
});

test.each(['rate_limited', 'unavailable'])('a server that is %s is asked again', async (name) => {
  server.failures = [errors[name]!, errors[name]!];
  expect(ids(await source()([LODASH], never))).toEqual(['GHSA-35jh-r3h4-6jhm']);
});

test('a server that asks to wait long is not waited for', async () => {
  const limited = errors.rate_limited!;
  server.failures = [{ ...limited, headers: { ...limited.headers, 'retry-after': '600' } }];
  expect(await source()([LODASH], never)).toEqual({
    advisories: [],
    problems: ['The source of advisories answered 429.'],
  });
  expect(server.batches).toHaveLength(1);
});

test('a server that stays away is a problem, and what it told before stands', async () => {
  server.failures = [errors.unavailable!, errors.unavailable!, errors.unavailable!];
  expect(await source()([LODASH], never)).toEqual({
    advisories: [],
    problems: ['The source of advisories answered 503.'],
  });
  const cache = new Map<string, OsvDocument>();
  await source({ cache })([LODASH], never);
  const away = errors.unavailable!;
  const answers = [querybatch.answer.results[0], querybatch.answer.results[2]];
  const batch = { status: 200, headers: {}, body: { results: answers } };
  server.failures = [batch, ...Array.from({ length: 6 }, () => away)];
  const partly = await source({ cache })([LODASH, JINJA], never);
  expect(ids(partly)).toEqual(['GHSA-35jh-r3h4-6jhm']);
  expect(partly.problems).toEqual(['The source of advisories answered 503.']);
});

test('a server that refuses is not asked again', async () => {
  server.failures = [errors.invalid!];
  const { problems } = await source()([LODASH], never);
  expect(problems).toEqual(['The source of advisories answered 400.']);
  expect(server.batches).toHaveLength(1);
});

test('nobody at the address is a problem', async () => {
  await server.close();
  expect(await source()([LODASH], never)).toEqual({
    advisories: [],
    problems: ['The source of advisories could not be reached.'],
  });
});

test('an internal address that nobody allowed is not called', async () => {
  const guarded = createGuardedFetch({ allow: [] });
  const { problems } = await source({ fetch: guarded })([LODASH], never);
  await guarded.close();
  expect(problems).toEqual(['The source of advisories may not be called.']);
  expect(server.batches).toEqual([]);
});

test.each([
  ['no JSON', 'hello'],
  ['too few results', { results: [] }],
  ['too many results', { results: [{}, {}] }],
  ['another form', { results: 'none' }],
  ['an id that leads elsewhere', { results: [{ vulns: [{ id: '../../admin' }] }] }],
])('an answer of %s is a problem', async (_name, body) => {
  server.failures = [{ status: 200, headers: {}, body }];
  expect(await source()([LODASH], never)).toEqual({
    advisories: [],
    problems: ['The source of advisories gave an answer of another form.'],
  });
  expect(server.asked).toEqual([]);
});

test('advisories that are gone, or are others than were asked for, are counted', async () => {
  server.known['npm lodash@4.17.20'] = ['T-gone', 'T-other', 'GHSA-35jh-r3h4-6jhm'];
  server.documents.set('T-other', { id: 'T-another', modified: '2024-01-01T00:00:00Z' });
  const answer = await source()([LODASH], never);
  expect(ids(answer)).toEqual(['GHSA-35jh-r3h4-6jhm']);
  expect(answer.problems).toEqual(['Advisories that could not be read: 2.']);
});

test('a server that does not answer is given up in time', async () => {
  server.failures = ['hang'];
  expect(await source({ time_ms: 200 })([LODASH], never)).toEqual({
    advisories: [],
    problems: ['The source of advisories did not answer in time.'],
  });
});

test('who goes away ends the calls', async () => {
  server.failures = ['hang'];
  const gone = new AbortController();
  const looking = source()([LODASH], gone.signal);
  await eventually(() => server.batches.at(0));
  gone.abort(new Error('gone'));
  await expect(looking).rejects.toThrow('gone');
});

test('names of any length stay here', async () => {
  const strange = { ecosystem: 'npm', name: 'x'.repeat(301), version: '1.0.0' };
  expect(await source()([strange], never)).toEqual({ advisories: [], problems: [] });
  expect(server.batches).toEqual([]);
});
