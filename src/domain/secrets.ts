import { AppError } from '../contract/errors.ts';
import type { SecretRepository } from '../persistence/secrets.ts';
import { aboutSecret } from '../persistence/secrets-seal.ts';
import type { SealedBox } from './sealed-box.ts';

/** Where secrets come from. Throws `secrets_unavailable` for one that is there and cannot be read. */
export interface SecretSource {
  /** Undefined: this project has no secret of that name. */
  find(project_id: string, name: string): Promise<string | undefined>;
  /** Those of the names that there are, with their values; all of them are asked for at once. */
  findAll(project_id: string, names: readonly string[]): Promise<ReadonlyMap<string, string>>;
}

/** A secret of the configuration; without `projects` it is there for all of them. */
export interface ConfiguredSecret {
  name: string;
  secret: { reveal(): string };
  projects?: readonly string[];
}

/** The secrets of the configuration. */
export function configuredSecrets(secrets: readonly ConfiguredSecret[]): SecretSource {
  return sourceOf((project_id, names) => {
    const found = secrets.filter(
      ({ name, projects }) => names.includes(name) && projects?.includes(project_id) !== false,
    );
    return Promise.resolve(new Map(found.map(({ name, secret }) => [name, secret.reveal()])));
  });
}

interface Deps {
  secrets: Pick<SecretRepository, 'latest'>;
  /** Undefined where no key is set: then what is stored cannot be read. */
  box: SealedBox | undefined;
  configured: SecretSource;
}

/** The secrets that projects keep, and those of the configuration that no secret of the project has the name of. */
export function projectSecrets({ secrets, box, configured }: Deps): SecretSource {
  return sourceOf(async (project_id, names) => {
    if (names.length === 0) return new Map();
    const others = await configured.findAll(project_id, names);
    const kept = (await secrets.latest(project_id, names)).map(({ name, version, sealed }) => {
      const value = box?.open(sealed, aboutSecret(project_id, name, version));
      if (value === undefined) throw unreadable(name);
      return [name, value] as const;
    });
    return new Map([...others, ...kept]);
  });
}

function sourceOf(findAll: SecretSource['findAll']): SecretSource {
  return { findAll, find: async (project_id, name) => (await findAll(project_id, [name])).get(name) };
}

const unreadable = (name: string): AppError =>
  new AppError('secrets_unavailable', {
    detail: `The secret ${name} cannot be read with the keys that are set (secrets.key, secrets.previous_keys).`,
  });
