import { v7 } from 'uuid';
import { PROJECT_ID, type TestStore, testStore } from '../../test/support/store.ts';
import { eventSinkRepository } from './event-sinks.ts';
import { webhookRepository } from './webhooks.ts';

let opened: TestStore;
beforeAll(async () => {
  opened = await testStore();
});
afterAll(() => opened.close());

const sql = (text: string, values: unknown[] = []) => opened.database.pool.query(text, values);
const violated = (attempt: Promise<unknown>) =>
  attempt.then(
    () => 'nothing',
    (error: { constraint?: string; code: string }) => error.constraint ?? error.code,
  );

describe('rows that cannot be', () => {
  it('are refused', async () => {
    const id = v7();
    await webhookRepository(opened.database.db).insert({
      id,
      project_id: PROJECT_ID,
      url: 'https://x.test/',
      events: ['*'],
      description: null,
      secret: 'whsec_x',
      created_by: 'test',
    });
    const delivery = (columns: string, values: string) =>
      violated(
        sql(
          `INSERT INTO webhook_delivery (webhook_id, run_id, seq, tx, ${columns}) VALUES ($1, $2, 1, '1', ${values})`,
          [id, v7()],
        ),
      );
    expect(await delivery('state, next_attempt_at, settled_at', `'lost', NULL, now()`)).toBe(
      'webhook_delivery_state_check',
    );
    expect(await delivery('state', `'delivered'`)).toBe('webhook_delivery_check');
    expect(await delivery('attempts', `-1`)).toBe('webhook_delivery_attempts_check');
    expect(await delivery('settled_at', `now()`)).toMatch(/webhook_delivery_check/);
    expect(await violated(sql(`UPDATE webhook SET events = '{}' WHERE id = $1`, [id]))).toBe(
      'webhook_events_check',
    );
    expect(await violated(sql(`UPDATE webhook SET url = '' WHERE id = $1`, [id]))).toBe('webhook_url_check');
  });
});

describe('the lease of a sink', () => {
  it('is one process’s at a time, rests after a failure, and is lost to a later one', async () => {
    const sinks = eventSinkRepository(opened.database.db);
    await sinks.ensure('x');
    await sinks.ensure('x');
    const claims = await Promise.all(Array.from({ length: 5 }, () => sinks.claim('x')));
    const [held, ...others] = claims.filter((lease) => lease !== undefined);
    expect(others).toEqual([]);
    await sinks.rest(held!, 3_600, 'it is away');
    expect(await sinks.claim('x')).toBeUndefined();
    await sql(`UPDATE event_sink SET leased_until = now() WHERE name = 'x'`);
    const later = (await sinks.claim('x'))!;
    expect(later.failures).toBe(1);
    const place = { tx: '5', run_id: v7(), seq: 3 };
    expect(await sinks.advance(held!, place)).toBe(false);
    expect(await sinks.advance(later, place)).toBe(true);
    await sinks.release(held!);
    expect(await sinks.claim('x')).toBeUndefined();
    await sinks.release(later);
    expect((await sinks.claim('x'))!.position).toEqual(place);
  });
});
