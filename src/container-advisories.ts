import { osvApi } from './clients/advisories/osv-api.ts';
import { osvDirectory } from './clients/advisories/osv-directory.ts';
import type { OsvDocument } from './clients/advisories/osv-document.ts';
import { createGuardedFetch } from './clients/http/guarded-fetch.ts';
import type { Base } from './container-store.ts';
import type { AdvisorySource } from './contract/advisory.ts';
import { boundedCache } from './language/bounded-cache.ts';

const CALL_TIMEOUT_MS = 30_000;
const ADVISORIES_REMEMBERED = 2_000;

/** Who knows the flaws of dependencies, where somebody is configured. */
export function createAdvisories({ config: { analysis } }: Pick<Base, 'config'>): AdvisorySource | undefined {
  const { advisory_place: place } = analysis;
  if (place === undefined) return undefined;
  if (place.kind === 'directory') return osvDirectory(place);
  const { base_url } = place;
  const fetch = createGuardedFetch({ allow: analysis.advisories_allow_hosts, timeout_ms: CALL_TIMEOUT_MS });
  return osvApi({ fetch, base_url, cache: boundedCache<OsvDocument>(ADVISORIES_REMEMBERED) });
}
