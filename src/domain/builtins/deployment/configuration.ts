import { createHash } from 'node:crypto';
import type { Environment } from '../../../contract/deployment.ts';
import { canonicalJson } from '../../../language/canonical-json.ts';

/** How something is set up in an environment, in one word: the same source set up differently is deployed again. */
export function configurationOf({ deployer, settings, variables, secrets }: Environment): string {
  const text = canonicalJson({ deployer, settings, variables, secrets });
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}
