/** Where secrets come from. */
export interface SecretSource {
  /** Undefined: this project has no secret of that name. */
  find(project_id: string, name: string): Promise<string | undefined>;
}

/** A secret of the configuration; without `projects` it is there for all of them. */
export interface ConfiguredSecret {
  name: string;
  secret: { reveal(): string };
  projects?: readonly string[];
}

/** The secrets of the configuration. */
export function configuredSecrets(secrets: readonly ConfiguredSecret[]): SecretSource {
  return {
    find: (project_id, name) => {
      const found = secrets.find((one) => one.name === name && one.projects?.includes(project_id) !== false);
      return Promise.resolve(found?.secret.reveal());
    },
  };
}
