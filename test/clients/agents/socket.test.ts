import { eventually } from '../../support/eventually.ts';
import { managerStage, wireAgent } from './follow.ts';

const stage = managerStage();
const lists = () => stage.server.calls.filter((call) => call.startsWith('GET /agents?')).length;

test('what changes is known without asking again', async () => {
  const { client, knows } = stage.follow({ refresh_seconds: 30 });
  await knows();
  stage.server.put(wireAgent('a'));
  stage.server.put(wireAgent('b'));
  await knows('a', 'b');
  stage.server.put(wireAgent('a', { status: 'draining' }));
  await eventually(async () => (await client.alive()).map(({ id }) => id).join() === 'b');
  stage.server.remove('a');
  await knows('b');
  expect(lists()).toBe(1);
});

test('what changes while the list is on its way is not missed', async () => {
  ['a', 'b', 'c'].forEach((id) => stage.server.agents.set(id, wireAgent(id)));
  stage.server.onList = () => {
    stage.server.onList = () => undefined;
    stage.server.remove('a');
    stage.server.put(wireAgent('b', { status: 'draining' }));
    stage.server.put(wireAgent('d'));
  };
  const { client, knows } = stage.follow({ refresh_seconds: 30 });
  await knows('b', 'c', 'd');
  expect((await client.alive()).map(({ id }) => id)).toEqual(['c', 'd']);
  expect(lists()).toBe(1);
});

test('what changes while the socket is cut is known after it, whatever the revisions say', async () => {
  ['a', 'b'].forEach((id) => stage.server.agents.set(id, wireAgent(id, { revision: 1_000_000 })));
  const { client, knows, told } = stage.follow();
  await knows('a', 'b');
  for (let round = 0; round < 3; round += 1) {
    stage.server.cut();
    stage.server.agents.delete('a');
    // As after a restart of the manager, which counts anew.
    stage.server.agents.set('b', wireAgent('b', { revision: 0, name: `b${round}` }));
    stage.server.agents.set(`n${round}`, wireAgent(`n${round}`));
    await eventually(async () => (await client.find('b'))?.name === `b${round}`);
    await eventually(() => stage.server.sockets() === 1);
  }
  await knows('b', 'n0', 'n1', 'n2');
  stage.server.remove('n0');
  await knows('b', 'n1', 'n2');
  expect(told).toEqual([]);
});

test('a manager without a socket is asked again and again', async () => {
  stage.server.has_socket = false;
  const { knows, told } = stage.follow();
  await knows();
  stage.server.put(wireAgent('a'));
  await knows('a');
  stage.server.has_socket = true;
  await eventually(() => stage.server.sockets() === 1);
  expect(told).toEqual([]);
});

test('a manager that has fallen silent is not believed, and asked anew', async () => {
  stage.server.pings = false;
  const { knows } = stage.follow();
  await knows();
  const before = lists();
  stage.server.agents.set('a', wireAgent('a'));
  await knows('a');
  expect(lists()).toBeGreaterThan(before);
});

test('pings keep what is known for good', async () => {
  stage.server.agents.set('a', wireAgent('a'));
  const { client, knows } = stage.follow({ refresh_seconds: 2 });
  await knows('a');
  const began_ms = Date.now();
  await eventually(() => {
    expect(client.isAvailable()).toBe(true);
    return Date.now() - began_ms > 7_000;
  });
  expect(lists()).toBe(1);
});

test.each([
  ['is no JSON', '{"type":', 'left out 1 undefined'],
  ['is none that there is', '{"type":"agent.removed","id":"a"}', 'left out 1 undefined'],
  ['has an agent that cannot be read', '{"type":"agent.updated","agent":{"id":"b"}}', 'left out 1 b'],
])('a message that %s is told of, and the next one counts', async (_what, message, told_of) => {
  stage.server.agents.set('a', wireAgent('a'));
  const { knows, told } = stage.follow();
  await knows('a');
  stage.server.send(message);
  stage.server.put(wireAgent('c'));
  await knows('a', 'c');
  expect(told).toEqual([told_of]);
});

test('an agent whose record cannot be read any more is not chosen', async () => {
  stage.server.agents.set('a', wireAgent('a'));
  const { knows } = stage.follow();
  await knows('a');
  stage.server.put(wireAgent('a', { task_queue: 'shared' }));
  await knows();
});

test('a message that is too large cuts the socket, and nothing is missed', async () => {
  const { knows } = stage.follow();
  await knows();
  stage.server.send(JSON.stringify({ type: 'agent.updated', agent: 'x'.repeat(64 * 1024) }));
  await eventually(() => stage.server.sockets() === 0);
  stage.server.agents.set('a', wireAgent('a'));
  await knows('a');
});

test('the agents of a manager that is away are lost after a while, and there again when it is', async () => {
  stage.server.agents.set('a', wireAgent('a'));
  stage.server.agents.set('b', wireAgent('b', { status: 'stopped' }));
  const { client, knows, told } = stage.follow();
  await knows('a', 'b');
  await stage.server.stop();
  await eventually(() => !client.isAvailable());
  expect((await client.list(10)).map(({ status }) => status)).toEqual(['lost', 'stopped']);
  expect([(await client.find('a'))?.status, await client.alive()]).toEqual(['lost', []]);
  await expect(client.requestRestart('a', 'x')).rejects.toMatchObject({ code: 'unavailable' });
  await stage.server.start();
  await knows('a', 'b');
  expect((await client.find('a'))?.status).toBe('ready');
  expect(told).toEqual(['away unavailable', 'back']);
});

test.each(['followed', 'away', 'not there yet'])(
  'leaves nothing behind when it is stopped: the manager is %s',
  async (how) => {
    const handles = () => process.getActiveResourcesInfo().sort().join();
    const before = handles();
    if (how === 'away') await stage.server.stop();
    const { client, knows, told } = stage.follow();
    if (how === 'followed') await knows();
    if (how === 'away') await eventually(() => told.length > 0);
    await client.stop();
    const calls = stage.server.calls.length;
    await stage.server.stop();
    await eventually(() => !/TCPSocketWrap|Timeout/.test(without(handles(), before)), 20);
    expect(stage.server.calls).toHaveLength(calls);
  },
);

/** The kinds of handles that there are more of than there were. */
function without(now: string, before: string): string {
  const rest = before.split(',');
  return now
    .split(',')
    .filter((kind) => {
      const at = rest.indexOf(kind);
      if (at !== -1) rest.splice(at, 1);
      return at === -1;
    })
    .join();
}
