import type { Base } from './container-store.ts';
import { sealedBox, type SealedBox } from './domain/sealed-box.ts';
import { configuredSecrets, projectSecrets, type SecretSource } from './domain/secrets.ts';
import { secretService } from './domain/secrets-kept.ts';
import { secretUpkeep } from './domain/secrets-upkeep.ts';
import { secretRepository } from './persistence/secrets.ts';
import { sealedTables } from './persistence/secrets-seal.ts';

/** What seals the secrets of this installation; undefined where no key is set. */
export function createSecretBox({ config }: Pick<Base, 'config'>): SealedBox | undefined {
  const { key, previous_keys } = config.secrets;
  const keys = [...(key ? [key] : []), ...previous_keys].map((one) => one.reveal());
  return key && sealedBox(keys, 'secrets');
}

/** Where everything of a process looks for secrets: what projects keep, and what is configured. */
export function createSecretSource(base: Pick<Base, 'config' | 'db'>): SecretSource {
  return projectSecrets({
    secrets: secretRepository(base.db),
    box: createSecretBox(base),
    configured: configuredSecrets(base.config.hooks.secrets),
  });
}

/** The secrets of projects as the API has them, and what keeps them under the current key. */
export function createSecrets(base: Base) {
  const { db, logger } = base;
  const box = createSecretBox(base);
  return {
    secrets: secretService({ secrets: secretRepository(db), box }),
    secret_upkeep: secretUpkeep({
      tables: sealedTables(db),
      box,
      onUnreadable: (count) =>
        logger.warn({ count }, 'secrets are stored that cannot be read with the keys that are set'),
    }),
  };
}
