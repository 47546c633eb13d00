import type { ProjectRepository, ProjectRow } from '../persistence/projects.ts';

/** Made by the first migration; the project of calls that name none. */
export const DEFAULT_PROJECT_ID = '00000000-0000-7000-8000-000000000001';

export interface ProjectService {
  default_project_id: string;
  /** Whether there is such a project. Answers at once for one that was seen within the last seconds. */
  exists(id: string): boolean | Promise<boolean>;
  find(id: string): Promise<ProjectRow | undefined>;
  list(limit: number): Promise<ProjectRow[]>;
}

export interface ProjectOptions {
  projects: ProjectRepository;
  now_ms?: () => number;
  /** How long a removed project may still seem to exist. */
  known_for_ms?: number;
}

const MAX_KNOWN = 10_000;

export function projectService(options: ProjectOptions): ProjectService {
  const { projects, now_ms = Date.now, known_for_ms = 30_000 } = options;
  const known_until = new Map<string, number>();

  const lookUp = async (id: string): Promise<boolean> => {
    if ((await projects.find(id)) === undefined) return false;
    if (known_until.size >= MAX_KNOWN) known_until.clear();
    known_until.set(id, now_ms() + known_for_ms);
    return true;
  };

  return {
    default_project_id: DEFAULT_PROJECT_ID,
    exists(id) {
      const known = id === DEFAULT_PROJECT_ID || (known_until.get(id) ?? 0) > now_ms();
      return known || lookUp(id);
    },
    find: (id) => projects.find(id),
    list: (limit) => projects.list(limit),
  };
}
