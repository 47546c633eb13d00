import fc from 'fast-check';
import { compareLogPositions } from './log-position.ts';
import { retryDelayMs } from './retry-delay.ts';
import { newWebhookSecret, signatureHeaders } from './webhook-signature.ts';

describe('a signature', () => {
  it('is the one of the Standard Webhooks specification’s example', () => {
    const headers = signatureHeaders('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', {
      id: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
      timestamp_seconds: 1614265330,
      body: '{"test": 2432232314}',
    });
    expect(headers).toEqual({
      'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
      'webhook-timestamp': '1614265330',
      'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    });
  });

  it('has a secret of 256 bits that is never the same', () => {
    const secrets = Array.from({ length: 20 }, newWebhookSecret);
    expect(new Set(secrets).size).toBe(20);
    for (const secret of secrets) expect(Buffer.from(secret.slice(6), 'base64').length).toBe(32);
  });
});

describe('the delay before another attempt', () => {
  it('doubles, up to the most, and is spread over its upper half', () => {
    const at = (failures: number, random: number) =>
      retryDelayMs({ failures, first_ms: 100, max_ms: 1_000, random });
    expect([1, 2, 3, 4, 5, 500].map((failures) => at(failures, 1))).toEqual([
      100, 200, 400, 800, 1_000, 1_000,
    ]);
    expect([1, 2, 3].map((failures) => at(failures, 0))).toEqual([50, 100, 200]);
  });
});

describe('places in the log', () => {
  const place = fc.record({
    tx: fc.bigInt(0n, 2n ** 63n).map(String),
    run_id: fc.uuid(),
    seq: fc.integer({ min: 0, max: 5 }),
  });

  it('compare as PostgreSQL compares them', () => {
    fc.assert(
      fc.property(place, place, (a, b) => {
        const keyOf = ({ tx, run_id, seq }: typeof a) => tx.padStart(20, '0') + run_id + seq;
        const [one, other] = [keyOf(a), keyOf(b)];
        expect(Math.sign(compareLogPositions(a, b))).toBe(one < other ? -1 : one > other ? 1 : 0);
      }),
    );
  });
});
