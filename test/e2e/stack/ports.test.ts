import { createServer, type Server } from 'node:net';
import { once } from 'node:events';
import { choosePort, freePort, isFree, onPorts, portTaken } from '../../../src/dev/ports.ts';

const wish = { purpose: 'the API', setting: 'PORT' };
let server: Server;
let busy: number;

beforeAll(async () => {
  busy = await freePort();
  server = createServer().listen(busy, '127.0.0.1');
  await once(server, 'listening');
});
afterAll(() => void server.close());

test('a free preferred port is taken, the remembered one before the default', async () => {
  const [remembered, other] = [await freePort(), await freePort()];
  expect(await choosePort({ ...wish, preferred: [remembered, other] })).toBe(remembered);
});

test('a busy default port moves to a free one', async () => {
  const port = await choosePort({ ...wish, preferred: [busy] });
  expect(port).not.toBe(busy);
  expect(await isFree(port)).toBe(true);
});

test('a busy explicit port is an error that names the port, the purpose and the setting', async () => {
  await expect(choosePort({ ...wish, explicit: busy, preferred: [] })).rejects.toThrow(
    new RegExp(`Port ${busy} for the API is in use.*PORT`),
  );
});

test('an explicit 0 is any free port', async () => {
  expect(await choosePort({ ...wish, explicit: 0, preferred: [] })).toBeGreaterThan(0);
});

test('a start that loses its port to a stranger is tried again on another one, a bounded number of times', async () => {
  let tries = 0;
  const choose = () => Promise.resolve((tries += 1));
  const failUntil = (last: number) => (port: number) =>
    port < last ? Promise.reject(portTaken('it')) : Promise.resolve(port);
  expect(await onPorts(choose, failUntil(2))).toBe(2);
  tries = 0;
  await expect(onPorts(choose, failUntil(9))).rejects.toThrow('taken meanwhile');
  expect(tries).toBe(3);
});
