import { AppError } from '../contract/errors.ts';
import { NO_SETTINGS, type ProjectSettings } from '../contract/project-settings.ts';
import { boundedCache } from '../language/bounded-cache.ts';
import type { ProjectSettingsRepository, SettingsRow } from '../persistence/project-settings.ts';

/** The settings of a project, with the version that a change can be held to. */
export interface VersionedSettings {
  settings: ProjectSettings;
  version: number;
}

export interface ProjectSettingsService {
  /** At once for a project whose settings were read within the last seconds. One that is not there has none. */
  known(project_id: string): ProjectSettings | Promise<ProjectSettings>;
  /** What somebody has read along with the project. */
  learn(project_id: string, settings: Partial<ProjectSettings>): void;
  /** Throws `not_found`. */
  get(project_id: string): Promise<VersionedSettings>;
  /** The whole document; holds at once here and within seconds elsewhere. Throws `not_found`, `stale_if_match`. */
  put(project_id: string, settings: ProjectSettings, if_match?: number): Promise<VersionedSettings>;
}

export interface ProjectSettingsOptions {
  rows: ProjectSettingsRepository;
  now_ms?: () => number;
  /** How long settings may still seem to be what they were, where they were changed elsewhere. */
  known_for_ms?: number;
}

const MAX_KNOWN = 10_000;

/** One statement per project and some seconds. */
export function projectSettings(options: ProjectSettingsOptions): ProjectSettingsService {
  const { rows, now_ms = Date.now, known_for_ms = 5_000 } = options;
  const known = boundedCache<{ settings: ProjectSettings; until_ms: number }>(MAX_KNOWN);

  const learn = (project_id: string, found: Partial<ProjectSettings>): ProjectSettings =>
    known.set(project_id, { settings: whole(found), until_ms: now_ms() + known_for_ms }).settings;
  const lookUp = async (project_id: string): Promise<ProjectSettings> =>
    learn(project_id, (await rows.find(project_id))?.settings ?? {});
  const versioned = (project_id: string, { settings, version }: SettingsRow): VersionedSettings => ({
    settings: learn(project_id, settings),
    version,
  });

  return {
    known(project_id) {
      const found = known.get(project_id);
      return found && found.until_ms > now_ms() ? found.settings : lookUp(project_id);
    },
    learn: (project_id, settings) => void learn(project_id, settings),
    async get(project_id) {
      const row = await rows.find(project_id);
      if (!row) throw new AppError('not_found');
      return versioned(project_id, row);
    },
    async put(project_id, settings, if_match) {
      const row = await rows.put(project_id, settings, if_match);
      if (row) return versioned(project_id, row);
      throw new AppError((await rows.find(project_id)) ? 'stale_if_match' : 'not_found');
    },
  };
}

const whole = (settings: Partial<ProjectSettings>): ProjectSettings => ({ ...NO_SETTINGS, ...settings });
