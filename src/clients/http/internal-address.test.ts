import fc from 'fast-check';
import { isInternalAddress, isServiceAddress, readAddress } from './internal-address.ts';

const INTERNAL = {
  'this network': ['0.0.0.0', '0.1.2.3'],
  loopback: ['127.0.0.1', '127.255.255.254', '::1'],
  private: ['10.0.0.1', '172.16.0.1', '172.31.255.255', '192.168.1.1'],
  'link-local': ['169.254.0.1', '169.254.169.254', '169.254.170.2', 'fe80::1', 'fe80::1%eth0', 'febf::1'],
  'carrier-grade NAT': ['100.64.0.1', '100.127.255.255', '100.100.100.200'],
  multicast: ['224.0.0.1', '239.255.255.255', 'ff02::1'],
  'reserved and broadcast': ['240.0.0.1', '255.255.255.255', '192.0.0.192', '192.88.99.1'],
  documentation: ['192.0.2.1', '198.51.100.1', '203.0.113.1', '2001:db8::1', '3fff::1'],
  benchmarking: ['198.18.0.1', '198.19.255.255', '2001:2::1'],
  unspecified: ['::'],
  'unique local': ['fc00::1', 'fdff::1', 'fd00:ec2::254'],
  'site-local': ['fec0::1'],
  'IPv4 mapped': ['::ffff:127.0.0.1', '::ffff:7f00:1', '::ffff:8.8.8.8', '0:0:0:0:0:ffff:a00:1'],
  'IPv4 compatible': ['::127.0.0.1', '::8.8.8.8'],
  'IPv4 translated': ['::ffff:0:127.0.0.1', '64:ff9b::7f00:1', '64:ff9b::8.8.8.8', '64:ff9b:1::a00:1'],
  '6to4': ['2002:7f00:1::', '2002:0808:0808::1'],
  teredo: ['2001:0:4136:e378:8000:63bf:3fff:fdd2'],
  'discard, segment routing, unassigned': ['100::1', '5f00::1', '4000::1', 'e000::1'],
  'platform services in public space': ['168.63.129.16'],
  'no address': [
    '',
    'localhost',
    '127.1',
    '0177.0.0.1',
    '0x7f.0.0.1',
    '2130706433',
    '127.0.0.1 ',
    '[::1]',
    '1.2.3.4.5',
  ],
};

describe.each(Object.entries(INTERNAL))('%s', (_name, addresses) => {
  test.each(addresses)('%s is internal', (address) => expect(isInternalAddress(address)).toBe(true));
});

const PUBLIC = [
  '8.8.8.8',
  '1.1.1.1',
  '93.184.216.34',
  '100.63.255.255',
  '100.128.0.1',
  '172.15.0.1',
  '172.32.0.1',
  '169.253.0.1',
  '223.255.255.255',
  '2606:4700:4700::1111',
  '2a00:1450:4001::1',
];

test.each(PUBLIC)('%s is public', (address) => expect(isInternalAddress(address)).toBe(false));

const octet = fc.integer({ min: 0, max: 255 });
const ipv4 = fc.tuple(octet, octet, octet, octet).map((octets) => octets.join('.'));

test('an IPv6 form that carries an IPv4 address is internal, whatever it carries', () => {
  fc.assert(
    fc.property(ipv4, fc.constantFrom('::ffff:', '::', '64:ff9b::', '::ffff:0:'), (address, prefix) =>
      isInternalAddress(prefix + address),
    ),
  );
});

test('any text gets an answer, and what is no address is internal', () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.string(), fc.ipV4(), fc.ipV6()),
      (text) => readAddress(text) !== undefined || isInternalAddress(text),
    ),
  );
});

test('only loopback, private, shared and unique local addresses are a service of one’s own', () => {
  for (const address of ['127.0.0.1', '10.0.0.1', '100.64.0.1', 'fd12::1', '::1', '::ffff:10.0.0.1']) {
    expect([address, isServiceAddress(address)]).toEqual([address, true]);
  }
  for (const address of [
    '169.254.169.254',
    '100.100.100.200',
    'fd00:ec2::254',
    '0.0.0.0',
    '224.0.0.1',
    '8.8.8.8',
    'x',
  ]) {
    expect([address, isServiceAddress(address)]).toEqual([address, false]);
  }
});
