import { z } from 'zod';
import type { FieldMeta } from './config-fields.ts';
import { configSchema } from './config-schema.ts';

/** One setting as the docs and the environment reader see it. */
export interface Setting extends FieldMeta {
  /** Path in config.yaml: `server.port`. */
  key: string;
  path: readonly string[];
  env: string;
  default: unknown;
}

/** Read by the embedded stack before anything is installed, hence never from a file. */
export const ENVIRONMENT_ONLY: Readonly<Record<string, string>> = {
  ORCHESTRATOR_CONFIG: 'Path of the configuration file.',
  ORCHESTRATOR_CACHE_DIR: 'Where downloads are kept.',
  ORCHESTRATOR_POSTGRES_BIN: 'Directory of PostgreSQL programs to use for the embedded database.',
  ORCHESTRATOR_POSTGRES_PORT: 'Port of the embedded database.',
  ORCHESTRATOR_TEMPORAL_PORT: 'Port of the embedded Temporal server.',
  ORCHESTRATOR_TEMPORAL_UI_PORT: 'Port of the embedded Temporal Web UI.',
  TEMPORAL_CLI_PATH: 'A `temporal` program to use.',
  DB_HOST: 'Host of the database, when no URL is given.',
  DB_PORT: 'Port of the database (5432).',
  DB_NAME: 'Name of the database (orchestrator).',
  DB_USER: 'User of the database (postgres).',
  DB_PASSWORD: 'Password of the database.',
};

/** All settings of the schema, in its order. */
export const SETTINGS: readonly Setting[] = settingsOf(configSchema, []);

function settingsOf(schema: z.ZodType, path: readonly string[]): Setting[] {
  const about = schema.meta() as FieldMeta | undefined;
  if (about?.about !== undefined) return [settingOf(schema, about, path)];
  const inner = schema instanceof z.ZodPipe ? (schema.out as z.ZodType) : schema;
  if (!(inner instanceof z.ZodObject)) return [];
  return Object.entries(inner.shape as Record<string, z.ZodType>).flatMap(([name, child]) =>
    settingsOf(child, [...path, name]),
  );
}

function settingOf(schema: z.ZodType, meta: FieldMeta, path: readonly string[]): Setting {
  return {
    about: meta.about,
    aliases: meta.aliases ?? [],
    default_text: meta.default_text,
    secret: meta.secret ?? false,
    key: path.join('.'),
    path,
    env: `ORCHESTRATOR_${path.join('_').toUpperCase()}`,
    default: schema instanceof z.ZodDefault ? schema.def.defaultValue : undefined,
  };
}

/** A setting's default as docs/configuration.md prints it. */
export function defaultText(setting: Setting): string {
  if (setting.default_text !== undefined) return setting.default_text;
  if (setting.default === undefined) return setting.secret ? '🔒' : '–';
  return Array.isArray(setting.default) ? 'empty' : `\`${setting.default as string | number | boolean}\``;
}
