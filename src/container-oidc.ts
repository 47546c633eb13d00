import { createGuardedFetch } from './clients/http/guarded-fetch.ts';
import { fetchKeySet } from './clients/oidc/key-set.ts';
import type { Base } from './container-store.ts';
import type { AuditLog } from './domain/audit-log.ts';
import { oidcKeys } from './domain/identity/oidc-keys.ts';
import { oidcPeople } from './domain/identity/oidc-people.ts';
import { oidcTokens } from './domain/identity/oidc-tokens.ts';
import { newId } from './ids.ts';
import { userIdentityRepository } from './persistence/user-identities.ts';

const TIMEOUT_MS = 5_000;
const MAX_BYTES = 1_048_576;

/** The OpenID issuer whose tokens are taken, where one is configured. */
export function createOidc({ config, db, logger }: Base, audit: AuditLog) {
  const { issuer, allow_hosts, keys_cool_down_seconds, ...settings } = config.auth.oidc;
  if (issuer === undefined) return undefined;
  const fetch = createGuardedFetch({
    allow: [new URL(issuer).host, ...allow_hosts],
    timeout_ms: TIMEOUT_MS,
    max_response_bytes: MAX_BYTES,
  });
  const keys = oidcKeys({
    load: () => fetchKeySet({ issuer, fetch }),
    cool_down_ms: keys_cool_down_seconds * 1_000,
    onError: (err) => logger.warn({ err, issuer }, 'the OpenID issuer gave no keys'),
  });
  return {
    tokens: oidcTokens({ issuer, keys, ...settings }),
    people: oidcPeople({ identities: userIdentityRepository(db), audit, ids: newId, ...settings }),
  };
}
