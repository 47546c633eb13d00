import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

type Address = ipaddr.IPv4 | ipaddr.IPv6;

/** All of IPv6 that is handed out for global use; the rest is special or unassigned (RFC 4291 §2.4). */
const GLOBAL_IPV6 = ipaddr.parseCIDR('2000::/3');

/**
 * Cloud metadata and platform services at addresses whose range does not tell: Azure's WireServer is even in public
 * space, Alibaba's stands among carrier-grade NAT, the IPv6 ones among unique local addresses.
 */
const PLATFORM_ADDRESSES = new Set([
  '168.63.129.16',
  '100.100.100.200',
  'fd00:ec2::254',
  'fd20:ce::254',
  'fd00:42::42',
]);

/** Networks that people run services in, as opposed to ranges with a meaning of their own. */
const SERVICE_RANGES = new Set(['loopback', 'private', 'carrierGradeNat', 'uniqueLocal']);

/**
 * The address in its one form, or undefined for what is none. Only strict notation is read (no octal, hex or short
 * forms), and an IPv4 address mapped into IPv6 is the IPv4 address: that is what the system connects to.
 */
export function readAddress(text: string): Address | undefined {
  const address = parse(text);
  return address instanceof ipaddr.IPv6 && address.isIPv4MappedAddress() ? address.toIPv4Address() : address;
}

/**
 * True for every address that is not globally routable unicast, and for what is no address at all. IPv6 forms that
 * carry an IPv4 address (mapped, compatible, NAT64, 6to4, Teredo) are internal whatever they carry.
 */
export function isInternalAddress(ip: string): boolean {
  const address = parse(ip);
  if (!address || PLATFORM_ADDRESSES.has(address.toString())) return true;
  if (address.range() !== 'unicast') return true;
  return address.kind() === 'ipv6' && !address.match(GLOBAL_IPV6);
}

/**
 * True for an internal address that a service of one's own may have: loopback, private, shared or unique local space.
 * Link-local, multicast, reserved and platform addresses are not.
 */
export function isServiceAddress(ip: string): boolean {
  const address = readAddress(ip);
  return (
    address !== undefined &&
    SERVICE_RANGES.has(address.range()) &&
    !PLATFORM_ADDRESSES.has(address.toString())
  );
}

function parse(text: string): Address | undefined {
  // The library reads the IPv4-compatible `::10.0.0.1` as the mapped `::ffff:10.0.0.1`; the system does not.
  return isIP(text) === 0 ? undefined : ipaddr.parse(text.replace(/^::(?=\d+\.)/, '0:0:0:0:0:0:'));
}
