import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';

export const AUDIENCE = 'orchestrator-client';

export interface SigningKey {
  kid: string;
  alg: string;
  private_key: CryptoKey;
  public_jwk: JWK;
}

type Claims = Record<string, unknown>;

/** An OpenID provider: discovery, keys, and tokens that it signs. */
export interface OidcIssuer {
  url: string;
  /** The keys that it shows; the first one signs. */
  keys: SigningKey[];
  /** What its discovery document says otherwise. */
  discovery: Claims;
  /** Further members of its key set, whatever they are. */
  strange_keys: unknown[];
  /** How often it was asked for its keys. */
  asked(): number;
  /** While it is, every request is cut off. */
  is_away: boolean;
  token(claims?: Claims, header?: Claims, key?: SigningKey): Promise<string>;
  close(): Promise<void>;
}

let made = 0;

export async function signingKey(alg = 'ES256', kid = `key-${++made}`): Promise<SigningKey> {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
  const public_jwk = { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' };
  return { kid, alg, private_key: privateKey, public_jwk };
}

/** Its tokens are good unless claims or header say otherwise; `undefined` leaves one out. */
export async function oidcIssuer(): Promise<OidcIssuer> {
  let asked = 0;
  const server = createServer((request, response) => {
    if (issuer.is_away) return void request.socket.destroy();
    response.setHeader('content-type', 'application/json');
    if (request.url === '/.well-known/openid-configuration') {
      const document = { issuer: issuer.url, jwks_uri: `${issuer.url}/keys`, ...issuer.discovery };
      return void response.end(JSON.stringify(document));
    }
    if (request.url !== '/keys') response.statusCode = 404;
    else asked += 1;
    const keys = [...issuer.keys.map(({ public_jwk }) => public_jwk), ...issuer.strange_keys];
    response.end(JSON.stringify({ keys }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const issuer: OidcIssuer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    keys: [await signingKey()],
    discovery: {},
    strange_keys: [],
    asked: () => asked,
    is_away: false,
    token(claims = {}, header = {}, key = issuer.keys[0]!) {
      const now_s = Math.floor(Date.now() / 1_000);
      const usual = { iss: issuer.url, aud: AUDIENCE, sub: 'somebody', iat: now_s, exp: now_s + 300 };
      const { kid, alg, private_key } = key;
      return new SignJWT(without({ ...usual, ...claims }))
        .setProtectedHeader(without({ alg, kid, typ: 'JWT', ...header }) as { alg: string })
        .sign(private_key);
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return issuer;
}

const without = (claims: Claims): Claims =>
  Object.fromEntries(Object.entries(claims).filter(([, value]) => value !== undefined));
