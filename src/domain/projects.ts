import type { AgePlace } from '../contract/age-place.ts';
import { AppError } from '../contract/errors.ts';
import type { Principal } from '../contract/principal.ts';
import { sqlState } from '../persistence/db.ts';
import type {
  NewProject,
  ProjectChange,
  ProjectFilter,
  ProjectRepository,
  ProjectRow,
  ProjectUsage,
} from '../persistence/projects.ts';
import type { ProjectSettingsService } from './project-settings.ts';

/** Made by the first migration; the project of calls that name none. */
export const DEFAULT_PROJECT_ID = '00000000-0000-7000-8000-000000000001';

/** What the API asks about the project of each call; at once for one that was seen within the last seconds. */
export interface ProjectDirectory {
  default_project_id: string;
  /** Undefined: there is no such project. */
  statusOf(id: string): ProjectStanding | undefined | Promise<ProjectStanding | undefined>;
}

/** One that is archived can be read, and nothing can be done in it. */
export type ProjectStanding = 'active' | 'archived';

export interface ProjectOptions {
  projects: ProjectRepository;
  /** Told what was read along with a project. */
  settings: Pick<ProjectSettingsService, 'learn'>;
  ids: () => string;
  /** Told when what somebody may do was changed. */
  onChange: () => void;
  now_ms?: () => number;
  /** How long a project may still seem to be what it was, where it was changed elsewhere. */
  known_for_ms?: number;
}

const MAX_KNOWN = 10_000;

export function projectService(options: ProjectOptions) {
  const { projects, settings, ids, onChange, now_ms = Date.now, known_for_ms = 5_000 } = options;
  const known = new Map<string, { standing: ProjectStanding; until_ms: number }>();

  const lookUp = async (id: string): Promise<ProjectStanding | undefined> => {
    const row = await projects.standing(id);
    if (!row) return undefined;
    settings.learn(id, row.settings);
    if (known.size >= MAX_KNOWN) known.clear();
    const standing = row.status === 'archived' ? 'archived' : 'active';
    known.set(id, { standing, until_ms: now_ms() + known_for_ms });
    return standing;
  };

  return {
    default_project_id: DEFAULT_PROJECT_ID,

    statusOf(id: string) {
      // It can be neither archived nor deleted.
      if (id === DEFAULT_PROJECT_ID) return 'active' as const;
      const found = known.get(id);
      return found && found.until_ms > now_ms() ? found.standing : lookUp(id);
    },

    /** Throws `not_found`. */
    async get(id: string): Promise<ProjectRow> {
      const row = await projects.find(id);
      if (!row) throw new AppError('not_found');
      return row;
    },

    /** Those that there are for a caller, newest first. */
    list(
      principal: Principal,
      filter: Omit<ProjectFilter, 'among'>,
      limit: number,
      after?: AgePlace,
    ): Promise<ProjectRow[]> {
      return projects.list({ ...filter, among: principal.projects }, limit, after);
    },

    /** A user who makes a project is its first owner. Throws `state_conflict` for a name that is taken. */
    async create(wanted: Omit<NewProject, 'id' | 'created_by'>, principal: Principal): Promise<ProjectRow> {
      if (principal.projects !== undefined && principal.user_id === undefined)
        throw new AppError('forbidden', { detail: 'This token is limited to some projects.' });
      const row = await projects.insert(
        { ...wanted, id: ids(), created_by: principal.id },
        principal.user_id,
      );
      if (!row) throw new AppError('state_conflict', TAKEN);
      onChange();
      return row;
    },

    /** Throws `not_found`, `stale_if_match`, and `state_conflict`: for a name that is taken, for archiving what is at work. */
    async update(id: string, change: ProjectChange, if_match?: number): Promise<ProjectRow> {
      if (change.status === 'archived') await refuseAtWork(id, 'archived');
      const row = await projects.update(id, change, if_match).catch(nameTaken);
      known.delete(id);
      return row ?? whyNot(id, if_match);
    },

    /** What is in it is not to be seen any more. Throws `not_found`, `stale_if_match`, `state_conflict` unless it is archived and at rest. */
    async remove(id: string, if_match?: number): Promise<void> {
      await refuseAtWork(id, 'deleted');
      const row = await projects.remove(id, if_match);
      known.delete(id);
      if (row) return;
      await whyNot(id, if_match);
    },

    usage: (id: string): Promise<ProjectUsage> => projects.usage(id),
  };

  async function refuseAtWork(id: string, what: string): Promise<void> {
    if (id === DEFAULT_PROJECT_ID)
      throw new AppError('state_conflict', { detail: `The default project cannot be ${what}.` });
    const usage = await projects.usage(id);
    if (usage.open_runs > 0)
      throw new AppError('state_conflict', {
        detail: `${usage.open_runs} of its runs are open; cancel them, or wait for their end.`,
        extra: { usage },
      });
  }

  async function whyNot(id: string, if_match: number | undefined): Promise<never> {
    const row = await projects.find(id);
    if (!row) throw new AppError('not_found');
    if (if_match !== undefined && row.version !== if_match) throw new AppError('stale_if_match');
    throw new AppError('state_conflict', { detail: 'Only an archived project can be deleted.' });
  }
}

export type ProjectService = ReturnType<typeof projectService>;

const TAKEN = { detail: 'There is a project of this name.' };

function nameTaken(error: unknown): never {
  if (sqlState(error)?.constraint === 'project_name_key') throw new AppError('state_conflict', TAKEN);
  throw error;
}
