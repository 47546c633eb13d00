import { lookup as systemLookup, type LookupAddress } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import { buildConnector } from 'undici';
import { AppError } from '../../contract/errors.ts';
import { type AllowList, isEgressAllowed } from './egress.ts';

/** Every address a name has now; injected in tests. */
export type ResolveHost = (host: string) => Promise<readonly string[]>;

interface Options {
  allow: AllowList;
  resolve?: ResolveHost;
  connect_timeout_ms: number;
  /** Certificates to trust in place of the system's. */
  ca?: string;
}

/**
 * Opens the sockets of a connection pool, each to an address that was judged: a name is resolved once, inside the
 * connector, and the socket gets exactly the addresses that were checked there, so a second answer of the DNS cannot
 * slip in between. A literal never comes to the resolver and is judged before. Refuses with `egress_refused`.
 */
export function guardedConnector({ allow, resolve = systemAddresses, connect_timeout_ms, ca }: Options) {
  const connector: buildConnector.connector = (target, callback) => {
    const host = target.hostname.replace(/^\[|\]$/g, '');
    const port = Number(target.port || (target.protocol === 'https:' ? 443 : 80));
    const mayReach = (address: string) => isEgressAllowed(allow, { host, port, address });
    if (isIP(host) !== 0 && !mayReach(host)) return callback(refused(host), null);
    const lookup = checkedLookup(resolve, mayReach);
    // Said outright, or NODE_TLS_REJECT_UNAUTHORIZED=0 in the environment would trust everyone.
    const connect = buildConnector({
      lookup,
      timeout: connect_timeout_ms,
      rejectUnauthorized: true,
      ca,
      maxCachedSessions: 0,
    });
    connect(target, callback);
  };
  return connector;
}

/** The address as the caller wrote it, or the name: never what a name stands for. */
export function refused(host: string): AppError {
  return new AppError('egress_refused', { detail: `The host ${host} may not be called.` });
}

function checkedLookup(resolve: ResolveHost, mayReach: (address: string) => boolean): LookupFunction {
  return (host, options, callback) => {
    const answer = (addresses: readonly string[]) => {
      // One internal address is enough to refuse a name: the system could pick any of them.
      if (!addresses.every(mayReach)) return callback(refused(host), '', 0);
      const all = addresses.map((address): LookupAddress => ({ address, family: isIP(address) }));
      if (options.all) return callback(null, all);
      const first = all.find(({ family }) => !options.family || family === options.family) ?? all[0]!;
      callback(null, first.address, first.family);
    };
    resolve(host).then(
      (addresses) => (addresses.length === 0 ? callback(noAddress(), '', 0) : answer(addresses)),
      (error: Error) => callback(error, '', 0),
    );
  };
}

function noAddress(): NodeJS.ErrnoException {
  return Object.assign(new Error('The name has no address.'), { code: 'ENOTFOUND' });
}

function systemAddresses(host: string): Promise<string[]> {
  return new Promise((resolve, reject) => {
    systemLookup(host, { all: true }, (error, found) =>
      error ? reject(error) : resolve(found.map((one) => one.address)),
    );
  });
}
