import { AppError } from '../../../src/contract/errors.ts';
import type { Route } from '../../../src/api/route.ts';
import { type Example, EXAMPLES, type Request, WITHOUT_KEYS } from './examples.ts';
import { type Around, type WholeApi, wholeApi } from './whole-api.ts';
import { worldOf } from './world.ts';

const METHODS = ['post', 'put', 'patch', 'delete'];
const nameOf = ({ method, path }: Pick<Route, 'method' | 'path'>) => `${method.toUpperCase()} ${path}`;
const UNTOUCHED: Around = (run) => run();

let opened: WholeApi;
let names = 0;

beforeAll(async () => {
  opened = await wholeApi();
});
afterAll(() => opened?.close());
beforeEach(() => opened.around(UNTOUCHED));

/** Something to send to a route, and the key to send it with. */
async function prepared(route: string) {
  const name = `name${++names}`;
  const example = await EXAMPLES[route]!(worldOf(opened, name));
  return { example, send: sender(route, name) };
}

const sender = (route: string, key: string) => (request: Request) =>
  opened.api.call(route.split(' ')[0]!, `/api/v1${request.path}`, {
    body: request.body,
    headers: { 'idempotency-key': key, ...request.headers },
  });

/** Counts how often a handler is run. */
function counted(): () => number {
  let runs = 0;
  opened.around((run) => {
    runs += 1;
    return run();
  });
  return () => runs;
}

const code = (answer: { status: number; json(): { code: string } }) =>
  `${answer.status} ${answer.json().code}`;

it('every route that writes takes a key and has an example, or says why not', () => {
  const writes = opened.routes.filter(({ method, handler }) => METHODS.includes(method) && handler);
  const keyed = writes.filter(({ idempotent }) => idempotent !== false).map(nameOf);
  expect(Object.keys(EXAMPLES).sort()).toEqual(keyed.sort());
  const keyless = writes.filter(({ idempotent }) => idempotent === false).map(nameOf);
  expect(Object.keys(WITHOUT_KEYS).sort()).toEqual(keyless.sort());
});

describe.each(Object.keys(EXAMPLES))('%s', (route) => {
  it('with one key is run once, and answered alike ever after; another request is refused', async () => {
    const { example, send } = await prepared(route);
    const runs = counted();
    const first = await send(example.request);
    expect([first.status < 300, first.text]).toEqual([true, first.text]);
    const again = await send(example.request);
    expect([again.status, again.text]).toEqual([first.status, first.text]);
    expect([first, again].map((answer) => answer.headers.get('idempotent-replayed'))).toEqual([null, 'true']);
    for (const header of ['etag', 'location', 'content-type'])
      expect(again.headers.get(header)).toBe(first.headers.get(header));
    expect(code(await send(example.other))).toBe('422 idempotency_mismatch');
    expect(runs()).toBe(1);
  });

  it('is 409 while the first request with its key is in flight', async () => {
    const { example, send } = await prepared(route);
    const { first, release } = await heldUp(example, send);
    const second = await send(example.request);
    expect([code(second), second.headers.get('retry-after')]).toEqual(['409 idempotency_in_flight', '1']);
    release();
    expect((await first).status).toBeLessThan(300);
    expect((await send(example.request)).headers.get('idempotent-replayed')).toBe('true');
  });

  it('leaves the key free when it fails on our side', async () => {
    const { example, send } = await prepared(route);
    opened.around(() => Promise.reject(new AppError('database_unavailable')));
    expect(code(await send(example.request))).toBe('503 database_unavailable');
    opened.around(UNTOUCHED);
    const second = await send(example.request);
    expect([second.status < 300, second.headers.get('idempotent-replayed')]).toEqual([true, null]);
    expect((await send(example.request)).headers.get('idempotent-replayed')).toBe('true');
  });
});

/** A request whose handler waits to be released. */
async function heldUp(example: Example, send: ReturnType<typeof sender>) {
  let release = () => {};
  const gate = new Promise<void>((resolve) => (release = resolve));
  const arrived = new Promise<void>((resolve) => {
    opened.around(async (run) => {
      resolve();
      await gate;
      return run();
    });
  });
  const first = send(example.request);
  await arrived;
  return { first, release };
}
