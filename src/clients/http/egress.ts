import { isIP } from 'node:net';
import { domainToASCII } from 'node:url';
import ipaddr from 'ipaddr.js';
import { AppError, type Problem } from '../../contract/errors.ts';
import { isInternalAddress, isServiceAddress, readAddress } from './internal-address.ts';

/** Where a connection would go: the name (or literal) that was asked for, and the address it stands for. */
export interface Destination {
  host: string;
  port: number;
  address: string;
}

/** Whether an entry of the list excuses this destination, although its address is internal. */
export type AllowList = (destination: Destination) => boolean;

const PORT = /^(.*?):(\d{1,5})$/;
const NAME = /^(\*\.)?([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/;
/** A last label that URL parsers take for a number: such a "name" would be an IPv4 address in disguise. */
const NUMERIC_END = /(^|\.)(\d+|0x[0-9a-f]*)$/;

/**
 * Reads the operator's list of internal destinations that may be called all the same. An entry is a host name,
 * `*.suffix` (any name below it), an IP address or a CIDR range; names and addresses may have a `:port`.
 * An address entry excuses the address under any name. A name entry excuses only service addresses (private,
 * loopback…): who controls the name's DNS must not gain the metadata service by it.
 * Throws `validation_failed` with every bad entry, each under `/<index>`.
 */
export function parseAllowList(entries: readonly string[]): AllowList {
  const parsed = entries.map((text) => parseEntry(text.trim().toLowerCase()));
  const errors = parsed.flatMap((rule, i): Problem[] =>
    rule
      ? []
      : [{ path: `/${i}`, message: `"${entries[i]}" is no host, *.suffix, IP address or CIDR range.` }],
  );
  if (errors.length > 0) throw new AppError('validation_failed', { detail: errors[0]!.message, errors });
  const rules = parsed.filter((rule) => rule !== undefined);
  return (destination) => rules.some((rule) => rule(destination));
}

/** Whether a connection may be made: to any public address, and to internal ones that the list excuses. */
export function isEgressAllowed(allow: AllowList, destination: Destination): boolean {
  return !isInternalAddress(destination.address) || allow(destination);
}

function parseEntry(text: string): AllowList | undefined {
  if (text.includes('/')) return rangeRule(text);
  if (isIP(text) !== 0) return addressRule(text);
  const [, name = text, port] = PORT.exec(text) ?? [];
  if (port !== undefined && (Number(port) < 1 || Number(port) > 65_535)) return undefined;
  const rule = /^\[.*\]$/.test(name) ? addressRule(name.slice(1, -1)) : (addressRule(name) ?? nameRule(name));
  if (!rule || port === undefined) return rule;
  return (destination) => destination.port === Number(port) && rule(destination);
}

function addressRule(text: string): AllowList | undefined {
  const own = readAddress(text)?.toString();
  return own === undefined ? undefined : ({ address }) => readAddress(address)?.toString() === own;
}

function rangeRule(text: string): AllowList | undefined {
  const [base = '', bits = '', ...rest] = text.split('/');
  const address = isIP(base) === 0 ? undefined : ipaddr.parse(base);
  if (!address || rest.length > 0 || !/^\d{1,3}$/.test(bits)) return undefined;
  // Mapped addresses are compared as the IPv4 addresses they are, so a range of them would never match.
  if (address.range() === 'ipv4Mapped' || Number(bits) > (address.kind() === 'ipv4' ? 32 : 128))
    return undefined;
  return (destination) => {
    const candidate = readAddress(destination.address);
    return candidate?.kind() === address.kind() && candidate.match(address, Number(bits));
  };
}

function nameRule(text: string): AllowList | undefined {
  const wildcard = text.startsWith('*.');
  const name = domainToASCII(withoutDot(wildcard ? text.slice(2) : text));
  if (!NAME.test(name) || name.startsWith('*') || NUMERIC_END.test(name)) return undefined;
  return ({ host, address }) => {
    const asked = withoutDot(host.toLowerCase());
    return (wildcard ? asked.endsWith(`.${name}`) : asked === name) && isServiceAddress(address);
  };
}

/** `example.com.` is `example.com`. */
function withoutDot(name: string): string {
  return name.endsWith('.') ? name.slice(0, -1) : name;
}
