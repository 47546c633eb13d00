import { liveTagAmong, liveTagNames } from './live-tag.ts';

test('production is live once it exists, the head tag before', () => {
  expect(liveTagNames('checkout')).toEqual(['checkout/production', 'checkout']);
  expect(liveTagAmong('checkout', ['checkout', 'checkout/staging'])).toBe('checkout');
  expect(liveTagAmong('checkout', ['checkout', 'checkout/production'])).toBe('checkout/production');
  expect(liveTagAmong('checkout', ['checkout/staging', 'checkout/production/eu'])).toBeUndefined();
});
