import { ManagerFailure } from '../../../src/clients/agents/failure.ts';
import { EVENTS, HEADERS, MEANING, TRANSCRIPT, type Exchange } from '../../fixtures/agent-manager.ts';
import type { WireAgent } from '../../support/agent-manager.ts';
import { eventually } from '../../support/eventually.ts';
import { managerStage } from './follow.ts';

const played = new Set<Exchange>();
const stage = managerStage();

function play(...exchanges: Exchange[]): void {
  for (const exchange of exchanges) {
    played.add(exchange);
    stage.server.play(exchange);
  }
}
const { small, gpu } = MEANING;
const restarted = { ...gpu, restart_requested_at: MEANING.restart_requested_at };

describe('the client', () => {
  test('reads all pages, and makes of each record what it means', async () => {
    play(TRANSCRIPT.list_first, TRANSCRIPT.list_second);
    const { client, knows } = stage.follow({ refresh_seconds: 5 });
    await knows(small.id, gpu.id);
    expect(await client.list(10)).toEqual([small, gpu]);
    expect(await client.list(10, { id: small.id, started_at: new Date() })).toEqual([gpu]);
    expect(await client.find(gpu.id)).toEqual(gpu);
    expect(await client.alive()).toEqual([gpu]);
    expect(stage.server.calls).toEqual([
      `GET ${EVENTS.path}`,
      `GET ${TRANSCRIPT.list_first.request.path}`,
      `GET ${TRANSCRIPT.list_second.request.path}`,
    ]);
  });

  test('knows that there are none', async () => {
    play(TRANSCRIPT.list_empty);
    await stage.follow().knows();
  });

  test.each([
    ['unauthorized', TRANSCRIPT.list_unauthenticated],
    ['rejected', TRANSCRIPT.list_version],
    ['unavailable', TRANSCRIPT.list_unavailable],
    ['unavailable', TRANSCRIPT.list_limited],
  ])('counts as away (%s) what is %o', async (code, exchange) => {
    play(exchange);
    const { client, told, knows } = stage.follow();
    await eventually(() => told.length > 0);
    expect([client.isAvailable(), await client.list(10)]).toEqual([false, []]);
    await knows();
    expect(told).toEqual([`away ${code}`, 'back']);
  });
});

describe('a restart', () => {
  async function following() {
    play({ ...TRANSCRIPT.list_second, request: TRANSCRIPT.list_first.request });
    played.add(TRANSCRIPT.list_second);
    const followed = stage.follow({ refresh_seconds: 5 });
    await followed.knows(gpu.id);
    return followed.client;
  }
  const ask = async () => (await following()).requestRestart('gpu-7', 'token:admin');

  test('is passed on, and known at once', async () => {
    play(TRANSCRIPT.restart);
    const client = await following();
    expect(await client.requestRestart('gpu-7', 'token:admin')).toEqual(restarted);
    expect([await client.find('gpu-7'), await client.alive()]).toEqual([restarted, []]);
  });

  test('of one that is gone forgets it', async () => {
    play(TRANSCRIPT.restart_unknown);
    const client = await following();
    expect(await client.requestRestart('gpu-7', 'token:admin')).toBeUndefined();
    expect(await client.find('gpu-7')).toBeUndefined();
  });

  test.each([
    ['as it is', TRANSCRIPT.get, gpu],
    ['stopped', TRANSCRIPT.get_stopped, { ...gpu, status: 'stopped' }],
    ['gone', TRANSCRIPT.get_unknown, undefined],
  ])('of one that does not hear looks again: it is %s', async (_how, exchange, known) => {
    play(TRANSCRIPT.restart_conflict, exchange);
    const client = await following();
    expect(await client.requestRestart('gpu-7', 'token:admin')).toBeUndefined();
    expect(await client.find('gpu-7')).toEqual(known);
  });

  test('fails while the manager is not well', async () => {
    play(TRANSCRIPT.restart_unavailable);
    await expect(ask()).rejects.toMatchObject({ name: ManagerFailure.name, code: 'unavailable' });
  });
});

test('each message of the socket does what it says', async () => {
  play(TRANSCRIPT.list_first, TRANSCRIPT.list_second);
  const { client, knows } = stage.follow({ refresh_seconds: 5 });
  await knows(small.id, gpu.id);
  const { send } = stage.server;
  send(EVENTS.old);
  send(EVENTS.unknown);
  send(EVENTS.ping);
  send(EVENTS.hello);
  send(EVENTS.updated);
  expect(await eventually(async () => (await client.alive()).length === 0)).toBe(true);
  expect(await client.find('gpu-7')).toEqual(restarted);
  send(EVENTS.stopped);
  await eventually(async () => (await client.find('gpu-7'))?.status === 'stopped');
  send(EVENTS.removed);
  await knows(small.id);
  expect(await client.find('gpu-7')).toBeUndefined();
});

describe('the stand-in', () => {
  const records = [TRANSCRIPT.list_first, TRANSCRIPT.list_second].flatMap(
    ({ answer }) => (JSON.parse(answer.body) as { agents: WireAgent[] }).agents,
  );
  async function answerTo({ request }: Exchange, headers: Record<string, string> = HEADERS) {
    const { method, path, ...content } = request;
    const response = await fetch(stage.server.url + path, { method, headers, ...content });
    return {
      status: response.status,
      body: await response.json(),
      version: response.headers.get('agent-protocol'),
    };
  }
  const wanted = ({ answer }: Exchange) => ({
    status: answer.status,
    body: JSON.parse(answer.body) as unknown,
    version: '1',
  });
  const {
    list_empty,
    list_unauthenticated,
    list_version,
    list_first,
    get,
    get_unknown,
    restart,
    restart_unknown,
    restart_conflict,
  } = TRANSCRIPT;

  test('answers as the transcript has it', async () => {
    const { agents } = stage.server;
    expect(await answerTo(list_empty)).toEqual(wanted(list_empty));
    expect(await answerTo(get_unknown)).toEqual(wanted(get_unknown));
    expect(await answerTo(restart_unknown)).toEqual(wanted(restart_unknown));
    records.forEach((record) => agents.set(record.id, record));
    expect((await answerTo(list_first)).body).toEqual({ agents: records, next_cursor: null });
    expect(await answerTo(get)).toEqual(wanted(get));
    const asked = await answerTo(restart);
    expect(asked).toMatchObject({
      status: 202,
      body: { agent: { id: 'gpu-7', restart_requested_at: expect.any(String) as string } },
    });
    agents.set('gpu-7', { ...agents.get('gpu-7')!, status: 'lost' });
    expect(await answerTo(restart_conflict)).toEqual(wanted(restart_conflict));
  });

  test('refuses another token and another version', async () => {
    const { authorization } = HEADERS;
    expect(await answerTo(list_empty, { ...HEADERS, authorization: 'Bearer no' })).toEqual(
      wanted(list_unauthenticated),
    );
    expect(await answerTo(list_empty, { authorization })).toEqual(wanted(list_version));
  });
});

test('every exchange of the transcript was played', () => {
  const names = (all: Iterable<Exchange>) => [...new Set([...all].map(({ name }) => name))].sort();
  expect(names(played)).toEqual(names(Object.values(TRANSCRIPT)));
});
