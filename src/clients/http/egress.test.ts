import { AppError } from '../../contract/errors.ts';
import { isEgressAllowed, parseAllowList } from './egress.ts';

/** entry, host, address, port, allowed */
const CASES: [string, string, string, number, boolean][] = [
  ['db.corp', 'db.corp', '10.0.0.5', 80, true],
  ['db.corp', 'DB.corp.', '10.0.0.5', 80, true],
  ['DB.Corp.', 'db.corp', '10.0.0.5', 80, true],
  ['db.corp', 'xdb.corp', '10.0.0.5', 80, false],
  ['db.corp', 'a.db.corp', '10.0.0.5', 80, false],
  ['db.corp', 'db.corp.evil.example', '10.0.0.5', 80, false],
  ['db.corp:8080', 'db.corp', '10.0.0.5', 8080, true],
  ['db.corp:8080', 'db.corp', '10.0.0.5', 80, false],
  ['*.corp', 'a.b.corp', '10.0.0.5', 80, true],
  ['*.corp', 'corp', '10.0.0.5', 80, false],
  ['*.corp', 'evilcorp', '10.0.0.5', 80, false],
  ['*.corp:443', 'a.corp', '10.0.0.5', 80, false],
  ['bücher.example', 'xn--bcher-kva.example', '10.0.0.5', 80, true],
  // A name vouches for services, never for the platform's own addresses.
  ['db.corp', 'db.corp', '169.254.169.254', 80, false],
  ['*.corp', 'a.corp', '100.100.100.200', 80, false],
  ['db.corp', 'db.corp', '0.0.0.0', 80, false],
  ['169.254.169.254', 'db.corp', '169.254.169.254', 80, true],
  ['10.0.0.5', '10.0.0.5', '10.0.0.5', 80, true],
  ['10.0.0.5', 'any.name', '10.0.0.5', 80, true],
  ['10.0.0.5', '10.0.0.6', '10.0.0.6', 80, false],
  ['10.0.0.5:81', '10.0.0.5', '10.0.0.5', 80, false],
  ['10.0.0.0/8', 'x', '10.255.0.1', 80, true],
  ['10.0.0.0/8', 'x', '11.0.0.1', 80, true], // public
  ['10.0.0.0/8', 'x', '192.168.0.1', 80, false],
  ['10.0.0.0/8', 'x', '::ffff:10.0.0.1', 80, true],
  ['10.0.0.0/8', 'x', '::10.0.0.1', 80, false],
  ['10.0.0.0/8', 'x', '64:ff9b::a00:1', 80, false],
  ['0.0.0.0/0', 'x', '::1', 80, false],
  ['::/0', 'x', '127.0.0.1', 80, false],
  ['::/0', 'x', '::ffff:127.0.0.1', 80, false],
  ['fd12::/16', 'x', 'fd12::9', 80, true],
  ['::1', '::1', '0:0:0:0:0:0:0:1', 80, true],
  ['[::1]:8080', '::1', '::1', 8080, true],
  ['[::1]:8080', '::1', '::1', 80, false],
  ['[fd12::1]', 'x', 'fd12::1', 80, true],
  ['::ffff:10.0.0.5', 'x', '10.0.0.5', 80, true],
  ['db.corp', 'anything.example', '8.8.8.8', 80, true],
];

test.each(CASES)('with %s, %s at %s port %i: %s', (...row) => {
  const [entry, host, address, port, allowed] = row;
  expect(isEgressAllowed(parseAllowList([entry]), { host, address, port })).toBe(allowed);
});

const BAD = [
  '',
  '*',
  '*.',
  '*.*',
  'a b',
  'http://x',
  'x/y',
  '10.0.0.0/33',
  '::/129',
  '10.0.0.0/8/8',
  '10.0.0.0/',
  '/8',
  'x:0',
  'x:65536',
  ':80',
  '127.1',
  '0x7f.1',
  '010.0.0.1',
  '2130706433',
  '1.2.3',
  'a*.b',
  '[x]',
  '[::1',
  '::ffff:0:0/96',
  'user@host',
  'a..b',
  '-a',
];

test.each(BAD)('the entry "%s" is refused', (entry) => {
  expect(() => parseAllowList([entry])).toThrow(AppError);
});

test('every bad entry is named by its place', () => {
  let problems: unknown;
  try {
    parseAllowList(['fine.example', '*', '10.0.0.0/99']);
  } catch (error) {
    problems = error instanceof AppError && error.code === 'validation_failed' ? error.data.errors : error;
  }
  expect(problems).toMatchObject([{ path: '/1' }, { path: '/2' }]);
});

test('without a list, only public addresses are allowed', () => {
  const none = parseAllowList([]);
  expect(isEgressAllowed(none, { host: 'x', address: '8.8.8.8', port: 80 })).toBe(true);
  expect(isEgressAllowed(none, { host: 'x', address: '10.0.0.1', port: 80 })).toBe(false);
});
