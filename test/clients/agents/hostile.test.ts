import fc from 'fast-check';
import { readAgent, readEvent, readPage, readSingle } from '../../../src/clients/agents/wire.ts';
import { ManagerFailure } from '../../../src/clients/agents/failure.ts';
import type { Odd } from '../../support/agent-manager.ts';
import { eventually } from '../../support/eventually.ts';
import { managerStage, wireAgent } from './follow.ts';

const stage = managerStage(2);
const good = wireAgent('good');
const page = (agents: unknown[], next_cursor: string | null = null): Odd => ({
  body: JSON.stringify({ agents, next_cursor }),
});
const many = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`l${i}`, '']));

test.each<[string, unknown]>([
  ['no object', 'agent'],
  ['an id that is a path', wireAgent('../up')],
  ['an id with upper case', wireAgent('Gpu')],
  ['an id that is too long', wireAgent('a'.repeat(101))],
  ['no task queue', wireAgent('a', { task_queue: undefined })],
  ['a task queue of another form', wireAgent('a', { task_queue: 'two words' })],
  ['a task queue that is too long', wireAgent('a', { task_queue: 'q'.repeat(201) })],
  ['a task queue that all share', wireAgent('a', { task_queue: 'shared' })],
  ['another status', wireAgent('a', { status: 'happy' })],
  ['no languages', wireAgent('a', { capabilities: {} })],
  ['a name that is too long', wireAgent('a', { name: 'n'.repeat(201) })],
  ['a name with an escape', wireAgent('a', { name: '\u001b[2J' })],
  ['too many labels', wireAgent('a', { labels: many(51) })],
  ['labels that are no texts', wireAgent('a', { labels: { gpu: 1 } })],
  ['a load below nothing', wireAgent('a', { load: -1 })],
  ['no slots', wireAgent('a', { slots: 0 })],
  ['a time that is none', wireAgent('a', { started_at: 'yesterday' })],
  ['no revision', wireAgent('a', { revision: undefined })],
])('a record with %s is left out and told of, and the others are there', async (_what, record) => {
  stage.server.odd('/agents', page([record, good]));
  const { knows, told } = stage.follow();
  await knows('good');
  expect(told).toEqual([expect.stringMatching(/^left out 1 /)]);
});

test('of records with one id the latest counts, wherever it stands', async () => {
  const named = (name: string, revision: number) => wireAgent('twice', { name, revision });
  stage.server.odd('/agents', page([named('new', 9), named('old', 3)], 'next'), page([named('older', 2)]));
  const { knows, client } = stage.follow();
  await knows('twice');
  expect((await client.find('twice'))?.name).toBe('new');
});

test.each<[string, string, Odd]>([
  ['answers with no JSON', 'answer_invalid', { body: '<html>' }],
  ['answers with no page', 'answer_invalid', { body: '{"items":[]}' }],
  ['has more on a page than was asked for', 'answer_invalid', page(Array.from({ length: 101 }, () => good))],
  ['has a cursor that is too long', 'answer_invalid', page([good], 'c'.repeat(513))],
  ['nests without end', 'answer_invalid', { body: '['.repeat(1_000_000) + ']'.repeat(1_000_000) }],
  ['says too much', 'answer_invalid', { body: ' '.repeat(4 * 1024 * 1024 + 1) }],
  ['says what cannot be unpacked', 'answer_invalid', { body: 'x', headers: { 'content-encoding': 'gzip' } }],
  ['speaks another version', 'answer_invalid', { ...page([good]), headers: { 'agent-protocol': '2' } }],
  ['redirects', 'answer_invalid', { status: 307, body: '', headers: { location: '/elsewhere' } }],
  ['answers with another success', 'answer_invalid', { ...page([good]), status: 204, body: '' }],
  ['refuses', 'rejected', { status: 400, body: '{"error":{"code":"malformed_request","message":""}}' }],
  ['is not well', 'unavailable', { status: 502, body: '<html>' }],
])('a manager that %s is away until it does no more', async (_what, code, odd) => {
  stage.server.agents.set('good', good);
  stage.server.odd('/agents', odd);
  const { knows, told } = stage.follow();
  await knows('good');
  expect(told).toEqual([`away ${code}`, 'back']);
});

test('pages that go round are noticed', async () => {
  stage.server.odd('/agents', page([good], 'a'), page([good], 'b'), page([good], 'a'));
  const { told, knows } = stage.follow();
  await eventually(() => told.includes('away answer_invalid'));
  await knows();
});

test('a manager that does not answer is not waited for', async () => {
  let release = () => {};
  const hold = new Promise<void>((resolve) => (release = resolve));
  stage.server.agents.set('good', good);
  stage.server.odd('/agents', { hold });
  const { told, knows } = stage.follow({ timeout_ms: 300 });
  await knows('good');
  expect(told).toEqual(['away unavailable', 'back']);
  release();
});

test('with another token nothing is known, and nothing of the token is told', async () => {
  const { client, told } = stage.follow({ token: 'another-token' });
  await eventually(() => told.length > 0);
  expect([client.isAvailable(), told]).toEqual([false, ['away unauthorized']]);
  const error = await client.requestRestart('good', 'x').catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(ManagerFailure);
  expect(JSON.stringify([error, (error as Error).stack])).not.toContain('another-token');
});

test('an answer to a restart that is about another agent counts as none', async () => {
  stage.server.odd('/agents/good/restart', {
    status: 202,
    body: JSON.stringify({ agent: wireAgent('bad') }),
  });
  const { client } = stage.follow();
  await expect(client.requestRestart('good', 'x')).rejects.toMatchObject({ code: 'answer_invalid' });
  expect(await client.alive()).toEqual([]);
});

test('an id in a request cannot lead elsewhere', async () => {
  const { client } = stage.follow();
  stage.server.odd('/agents/..%2Fadmin%3Fx/restart', { status: 404, body: '{}' });
  expect(await client.requestRestart('../admin?x', 'x')).toBeUndefined();
});

test('after five failures in a row nothing is sent for a while, and then it is tried again', async () => {
  stage.server.agents.set('good', good);
  const { client, knows } = stage.follow();
  await knows('good');
  const bad = { status: 500, body: '' };
  stage.server.odd('/agents/good/restart', bad, bad, bad, bad, bad);
  for (let i = 0; i < 5; i += 1) await expect(client.requestRestart('good', 'x')).rejects.toThrow('500');
  await expect(client.requestRestart('good', 'x')).rejects.toThrow('left alone');
  expect(stage.server.calls.filter((call) => call.startsWith('POST'))).toHaveLength(5);
  const asked = await eventually(() => client.requestRestart('good', 'x').catch(() => undefined));
  expect(asked.restart_requested_at).toBeInstanceOf(Date);
});

test('whatever is in an answer, reading it ends and never throws', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      for (const read of [readAgent, readPage, readSingle]) read(value);
      readAgent({ ...good, ...(typeof value === 'object' ? value : {}) });
      readEvent(JSON.stringify(value));
      readEvent(JSON.stringify({ type: 'agent.updated', agent: value }));
    }),
  );
});
