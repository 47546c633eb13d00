/**
 * Every operation of the OpenAPI document, with requests that are right, nearly right and wrong: nothing is a failure of ours,
 * and every answer is as the document says. ORCHESTRATOR_FUZZ_SEED repeats the dice of an earlier run,
 * ORCHESTRATOR_FUZZ_REQUESTS says how many requests each operation gets.
 */
import { documentedRoute } from '../../../src/api/openapi-names.ts';
import type { Route } from '../../../src/api/route.ts';
import { randomFrom, type Random } from '../../support/random.ts';
import type { Request } from '../idempotency/examples.ts';
import { tokenOf, type WholeApi, wholeApi } from '../idempotency/whole-api.ts';
import { type Answered, conformance, type OpenApi, type Operation } from './conformance.ts';
import { altered, ODD_VALUES, valueOf } from './odd-values.ts';
import { nameOf, requestOf } from './requests.ts';

const SEED = Number(process.env.ORCHESTRATOR_FUZZ_SEED ?? Date.now() % 1_000_000);
const REQUESTS = Number(process.env.ORCHESTRATOR_FUZZ_REQUESTS ?? 24);

/** Not asked, and why. */
const LEFT_OUT: Readonly<Record<string, string>> = {
  'GET /runs/:id/events/stream': 'it does not end; test/e2e/events has it',
  'GET /events/stream': 'it does not end; test/e2e/events has it',
};

/** Some requests come from somebody who may read only. */
const AS_A_READER = { authorization: `Bearer ${tokenOf('reader')}` };

interface Asked extends Request {
  method: string;
  prefix: string;
}

let whole: WholeApi;
let document: OpenApi;
/** How many answers there were of each status. */
const seen = new Map<number, number>();
/** What was found, each with the request that showed it. */
const wrong = new Map<string, string>();
let check: ReturnType<typeof conformance>;

beforeAll(async () => {
  whole = await wholeApi({ people: { reader: { role: 'viewer' } } });
  document = (await whole.api.call('GET', '/openapi.json')).json<OpenApi>();
  check = conformance(document);
});
afterAll(() => whole?.close());

async function send({ method, prefix, path, body, headers }: Asked): Promise<Answered> {
  const answer = await whole.api.call(method, prefix + path, { body, headers });
  return { status: answer.status, type: answer.headers.get('content-type'), text: answer.text };
}

/** Notes what is wrong with the answer to it, if anything is: once for each kind of wrong. */
async function judge(operation: Operation, asked: Asked, name: string): Promise<void> {
  const answer = await send(asked);
  seen.set(answer.status, (seen.get(answer.status) ?? 0) + 1);
  const problem = answer.status === 500 ? 'a failure of ours' : check(operation, answer);
  if (problem === undefined) return;
  const shown = `${JSON.stringify(asked).slice(0, 500)}\n${answer.status} ${answer.text.slice(0, 300)}`;
  wrong.set(`${name}: ${problem}`, shown);
}

/** A request that succeeds, or one for things that are not there, of routes that need none. */
const rightOne = (row: Route, n: number): Promise<Request> =>
  requestOf(nameOf(row), whole, `any${n}`).catch(() => ({
    path: row.path.replaceAll(/:\w+/g, '01900000-0000-7000-8000-000000000000'),
  }));

/** The request with one of its parts made odd. */
function strange(row: Route, operation: Operation, right: Asked, random: Random): Asked {
  const parts = [
    () => strangeQuery(operation, right, random),
    () => ({ ...right, headers: { ...right.headers, ...strangeHeaders(random) } }),
    ...(row.path.includes(':') ? [() => strangePath(row, right, random)] : []),
    ...(operation.requestBody
      ? Array.from({ length: 4 }, () => () => strangeBody(operation, right, random))
      : []),
  ];
  return random.pick(parts)();
}

function strangeQuery({ parameters = [] }: Operation, right: Asked, random: Random): Asked {
  const known = parameters.filter((parameter) => parameter.in === 'query' && parameter.name !== 'wait');
  const parameter = known.length === 0 ? undefined : random.pick(known);
  const name =
    parameter === undefined || random.below(8) === 0
      ? random.pick(['zz', '__proto__', 'wait'])
      : parameter.name;
  const value = name === parameter?.name ? valueOf(parameter.schema, random) : random.pick(ODD_VALUES);
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
  const added = `${encodeURIComponent(name)}=${safelyEncoded(text.slice(0, 2_000))}`;
  return { ...right, path: `${right.path}${right.path.includes('?') ? '&' : '?'}${added}` };
}

const HEADERS = [
  'if-match',
  'idempotency-key',
  'x-project-id',
  'content-type',
  'content-encoding',
  'range',
  'last-event-id',
];

function strangeHeaders(random: Random): Record<string, string> {
  const texts = ODD_VALUES.filter(
    (value) => typeof value === 'string' && /^[\x20-\x7e]*$/.test(value),
  ) as string[];
  const value = random.pick([
    ...texts,
    '"1"',
    'W/"1"',
    '"99999999999999999999"',
    '*',
    'bytes=5-1',
    'text/plain',
  ]);
  return { [random.pick(HEADERS)]: value.slice(0, 300) };
}

function strangePath(row: Route, right: Asked, random: Random): Asked {
  const pattern = row.path.split('/');
  const [path = '', query] = right.path.split('?');
  const texts = ODD_VALUES.map((value) => (typeof value === 'string' ? value : JSON.stringify(value)));
  const usable = texts.filter((text) => text !== '' && !/^\.+$/.test(text));
  const segments = path.split('/');
  const places = pattern.flatMap((segment, i) => (segment.startsWith(':') ? [i] : []));
  segments[random.pick(places)] = safelyEncoded(random.pick(usable).slice(0, 1_000));
  return { ...right, path: segments.join('/') + (query === undefined ? '' : `?${query}`) };
}

function strangeBody({ requestBody }: Operation, right: Asked, random: Random): Asked {
  const [media_type, { schema }] = random.pick(Object.entries(requestBody!.content));
  const headers = { ...right.headers, 'content-type': media_type };
  const bodies: (() => unknown)[] = [
    () => altered(right.body ?? {}, random),
    () => altered(altered(right.body ?? {}, random), random),
    () => valueOf(resolved(schema), random),
    () =>
      random.pick([
        '',
        '{',
        'null',
        '[]',
        '"',
        '{"a":1,"a":2}',
        '['.repeat(5_000),
        '{"a":1e999}',
        '\u{feff}{}',
      ]),
  ];
  const body = random.pick(bodies)();
  // Text goes as it is; a request without a body has no media type either.
  return { ...right, headers, body: typeof body === 'string' ? body : JSON.stringify(withoutWait(body)) };
}

/** A long poll that was asked for is served. */
const withoutWait = (body: unknown): unknown =>
  body !== null && typeof body === 'object' && Number((body as { wait?: unknown }).wait) > 1
    ? { ...body, wait: 0 }
    : body;

function resolved(schema: Record<string, unknown>): Record<string, unknown> {
  const name = typeof schema.$ref === 'string' ? schema.$ref.split('/').at(-1)! : undefined;
  return name === undefined ? schema : (document.components.schemas[name] as Record<string, unknown>);
}

/** Half a surrogate pair has no UTF-8. */
function safelyEncoded(text: string): string {
  try {
    return encodeURIComponent(text);
  } catch {
    return '%ed%a0%80';
  }
}

it(`no request to any operation is a failure of ours, and every answer is documented (seed ${SEED})`, async () => {
  const random = randomFrom(SEED);
  const rows = whole.routes.filter((row) => !(nameOf(row) in LEFT_OUT));
  for (const [n, row] of rows.entries()) {
    const name = nameOf(row);
    const operation = document.paths[documentedRoute(row)]![row.method]!;
    const prefix = row.root ? '' : '/api/v1';
    const right = { ...(await rightOne(row, n)), method: row.method.toUpperCase(), prefix };
    await judge(operation, right, name);
    for (let i = 1; i < REQUESTS; i++) {
      const asked = strange(row, operation, right, random);
      const headers = { ...asked.headers, ...(random.below(5) === 0 && AS_A_READER) };
      await judge(operation, { ...asked, headers }, name);
    }
  }
  expect([...wrong].map(([problem, shown]) => `${problem}\n${shown}`).join('\n\n')).toBe('');
  // Neither all let through nor all refused at the door.
  expect([200, 201, 202, 400, 404, 409, 415, 422].filter((status) => !seen.has(status))).toEqual([]);
  expect(rows.length).toBeGreaterThan(140);
});
