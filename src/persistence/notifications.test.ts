import { createServer } from 'node:net';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { connect } from 'node:net';
import { testDatabase } from '../../test/support/database.ts';
import { listenForRuns } from './notifications.ts';

test('while the server is away one connection at a time is tried, however long it takes', async () => {
  const database = await testDatabase();
  const { hostname, port } = new URL(database.url);
  let is_away = false;
  let tries = 0;
  const sockets = new Set<{ destroy(): void }>();
  const server = createServer((inward) => {
    if (is_away) {
      tries++;
      return void inward.destroy();
    }
    const outward = connect(Number(port), hostname);
    for (const [a, b] of [
      [inward, outward],
      [outward, inward],
    ] as const) {
      sockets.add(a);
      a.on('error', () => undefined).on('close', () => b.destroy());
      a.pipe(b);
    }
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = new URL(database.url);
  url.port = String((server.address() as AddressInfo).port);
  let gaps = 0;
  const notifications = await listenForRuns(url.toString(), {
    onNews: () => undefined,
    onTask: () => undefined,
    onGap: () => void gaps++,
  });
  is_away = true;
  sockets.forEach((socket) => socket.destroy());
  while (tries < 4) await pause(20);
  // Were each failure to begin a row of tries of its own, there would be dozens by now.
  await pause(1_200);
  expect(tries).toBeLessThan(9);
  is_away = false;
  while (gaps === 0) await pause(20);
  await pause(1_200);
  expect(gaps).toBe(1);
  await notifications.close();
  server.close();
  await database.drop();
});
