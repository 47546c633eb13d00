import os from 'node:os';
import path from 'node:path';

/** The settings of the embedded stack that come from the environment. Read here and nowhere else in src/dev. */
export interface DevEnvironment {
  data_dir: string;
  /** Large downloads, shared by all data directories of the user. */
  cache_dir: string;
  /** True when the user chose the cache directory. */
  cache_dir_is_explicit: boolean;
  setup: 'auto' | 'none';
  postgres_bin?: string;
  postgres_port?: number;
  temporal_cli_path?: string;
  temporal_port?: number;
  temporal_ui_port?: number;
}

/** Reads the settings; a malformed one throws with its name. */
export function devEnvironment(env: NodeJS.ProcessEnv = process.env): DevEnvironment {
  return {
    data_dir: path.resolve(env.ORCHESTRATOR_DATA_DIR || '.orchestrator'),
    cache_dir: path.resolve(env.ORCHESTRATOR_CACHE_DIR || path.join(homeOf(env), '.cache', 'orchestrator')),
    cache_dir_is_explicit: Boolean(env.ORCHESTRATOR_CACHE_DIR),
    setup: env.ORCHESTRATOR_SETUP === 'none' ? 'none' : 'auto',
    postgres_bin: env.ORCHESTRATOR_POSTGRES_BIN || undefined,
    postgres_port: port(env, 'ORCHESTRATOR_POSTGRES_PORT'),
    temporal_cli_path: env.TEMPORAL_CLI_PATH || undefined,
    temporal_port: port(env, 'ORCHESTRATOR_TEMPORAL_PORT'),
    temporal_ui_port: port(env, 'ORCHESTRATOR_TEMPORAL_UI_PORT'),
  };
}

function homeOf(env: NodeJS.ProcessEnv): string {
  return env.HOME || os.homedir();
}

function port(env: NodeJS.ProcessEnv, name: string): number | undefined {
  const text = env[name];
  if (text === undefined || text === '') return undefined;
  const number = Number(text);
  if (Number.isInteger(number) && number >= 0 && number <= 65_535) return number;
  throw new Error(`${name} must be a port number from 0 to 65535 (0 = any free one), not "${text}"`);
}
