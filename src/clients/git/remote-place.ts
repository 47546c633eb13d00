import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { AppError } from '../../contract/errors.ts';
import { SourceFailure } from '../../contract/source-repository.ts';
import { isEgressAllowed, parseAllowList } from '../http/egress.ts';
import { refused, type ResolveHost } from '../http/guarded-connector.ts';

/** A repository of another machine, with the settings that hold git to the addresses that were judged. */
export interface RemotePlace {
  url: string;
  settings: Record<string, string>;
}

export interface RemoteOptions {
  /** Internal hosts that may be called all the same; see `parseAllowList`. */
  hosts: readonly string[];
  resolve?: ResolveHost;
  /** A file of certificates to trust in place of the system's. */
  ca_file?: string;
  /** Of an account that may read the repository. */
  token?: string;
}

const MAX_URL_CHARS = 2_048;
const MAX_ADDRESSES = 8;
const TOKEN = /^[\x21-\x7e]{1,1024}$/;

/**
 * Judges the URL of a repository: https only, without credentials, and to no internal address that `hosts` does not
 * excuse. Git is told the addresses that were judged, so that a second answer of the DNS changes nothing.
 * Throws `SourceFailure` `repository_refused`, `repository_unreachable`, or `AppError('egress_refused')`.
 */
export async function findRemoteRepository(text: string, options: RemoteOptions): Promise<RemotePlace> {
  const url = parseUrl(text);
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const port = Number(url.port || 443);
  const allow = parseAllowList(options.hosts);
  const addresses = isIP(host) === 0 ? await addressesOf(host, options.resolve) : [host];
  if (!addresses.every((address) => isEgressAllowed(allow, { host, port, address }))) throw refused(host);
  const pinned = addresses
    .slice(0, MAX_ADDRESSES)
    .map((address) => (isIP(address) === 6 ? `[${address}]` : address));
  return {
    url: url.href,
    settings: {
      ...(isIP(host) === 0 && { 'http.curloptResolve': `${host}:${port}:${pinned.join(',')}` }),
      ...(options.ca_file !== undefined && { 'http.sslCAInfo': options.ca_file }),
      ...(options.token !== undefined && { 'http.extraHeader': authorization(options.token) }),
    },
  };
}

function parseUrl(text: string): URL {
  const url = text.length <= MAX_URL_CHARS && URL.canParse(text) ? new URL(text) : null;
  if (!url || url.protocol !== 'https:' || url.hostname === '') {
    throw new SourceFailure('repository_refused', 'A repository is named by an https URL.');
  }
  if (url.username !== '' || url.password !== '') {
    throw new SourceFailure('repository_refused', 'The URL of a repository may not hold a name or password.');
  }
  if (url.search !== '' || url.hash !== '') {
    throw new SourceFailure('repository_refused', 'The URL of a repository has no query and no fragment.');
  }
  return url;
}

async function addressesOf(host: string, resolve: ResolveHost = systemAddresses): Promise<readonly string[]> {
  const addresses = await resolve(host).catch((cause: unknown) => {
    if (cause instanceof AppError) throw cause;
    throw new SourceFailure('repository_unreachable', `The name ${host} could not be resolved.`, cause);
  });
  if (addresses.length > 0) return addresses;
  throw new SourceFailure('repository_unreachable', `The name ${host} could not be resolved.`);
}

async function systemAddresses(host: string): Promise<string[]> {
  return (await lookup(host, { all: true })).map(({ address }) => address);
}

/** The form that the large hosts take for tokens of every kind. */
function authorization(token: string): string {
  if (!TOKEN.test(token)) throw new SourceFailure('repository_refused', 'The token is not one.');
  return `Authorization: Basic ${Buffer.from(`x-access-token:${token}`).toString('base64')}`;
}
