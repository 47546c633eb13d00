import { githubHost } from './clients/code-hosts/github.ts';
import { gitlabHost } from './clients/code-hosts/gitlab.ts';
import { createGuardedFetch } from './clients/http/guarded-fetch.ts';
import type { Base } from './container-store.ts';
import type { CodeHost } from './contract/code-host.ts';

const BASE_URLS = { github: 'https://api.github.com', gitlab: 'https://gitlab.com/api/v4' } as const;
const TIMEOUT_MS = 30_000;

/** The code host that reviews tell what they find, where one is configured. */
export function createCodeHost({
  config: { code_host, http_node },
}: Pick<Base, 'config'>): CodeHost | undefined {
  const { kind, base_url = BASE_URLS[kind], repository, token } = code_host;
  if (repository === undefined || token === undefined) return undefined;
  const open = kind === 'github' ? githubHost : gitlabHost;
  return open({
    fetch: createGuardedFetch({ allow: http_node.allow_hosts, timeout_ms: TIMEOUT_MS }),
    base_url: base_url.replace(/\/+$/, ''),
    repository,
    token: token.reveal(),
  });
}
