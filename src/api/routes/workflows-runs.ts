import { z } from 'zod';
import type { BuiltinType } from '../../contract/builtins.ts';
import { AppError } from '../../contract/errors.ts';
import type { Json } from '../../contract/json.ts';
import { hasRole } from '../../contract/roles.ts';
import type { RunService } from '../../domain/runs.ts';
import { viewRun, type RunView } from '../../domain/run-views.ts';
import type { ProjectDirectory } from '../../domain/projects.ts';
import { resolveProject } from '../middleware/project.ts';
import type { Call, Reply } from '../route.ts';
import type { listWorkflowsQuery } from '../schemas/workflows.ts';
import { listedRuns } from './runs.ts';
import { requireStarter } from './start-role.ts';

interface Deps {
  runs: RunService;
  projects: ProjectDirectory;
  ids: () => string;
}

/** A start by the name and the type of a workflow (contract §6). */
export interface TypedStart {
  name: string;
  type: BuiltinType;
  project_id?: string;
  input?: unknown;
  labels?: Record<string, string>;
}

type Caller = Pick<Call<unknown, unknown, unknown>, 'req' | 'principal' | 'project_id' | 'once_id'>;

/** Runs where `/workflows` speaks of them: started by type, listed by type or status, found by their id. */
export function workflowRuns({ runs, projects, ids }: Deps) {
  return {
    /** Throws what opening a run throws, and `not_found` for a project that is not the caller's. */
    async start(
      call: Caller,
      { name, type, project_id: wanted, input = {}, labels = {} }: TypedStart,
    ): Promise<Reply> {
      const { principal, once_id } = call;
      const { project_id, role } = await placeOf(projects, call, wanted);
      requireStarter({ role }, type);
      const id = once_id ?? ids();
      const run = await runs[once_id === undefined ? 'start' : 'startOnce']({
        id,
        project_id,
        workflow: null,
        type,
        workflow_name: name,
        input: input as Json,
        params: {},
        labels,
        priority: DEFAULT_PRIORITY,
        actor: principal.id,
      });
      return { status: 202, body: viewRun(run), headers: { Location: `/api/v1/runs/${run.id}` } };
    },

    list: (project_id: string, query: z.output<typeof listWorkflowsQuery>) => {
      const { limit, cursor, type, status } = query;
      return listedRuns(runs, project_id, { limit, cursor, type, status });
    },

    /** The run with this id; undefined when it is none, so that whoever asked says what it is not. */
    async find(project_id: string, id: string): Promise<RunView | undefined> {
      if (!z.guid().safeParse(id).success) return undefined;
      try {
        return viewRun(await runs.get(project_id, id.toLowerCase()));
      } catch (error) {
        if (error instanceof AppError && error.code === 'not_found') return undefined;
        throw error;
      }
    },
  };
}

export type WorkflowRuns = ReturnType<typeof workflowRuns>;

const DEFAULT_PRIORITY = 3;

/** The project that a body names, else that of the call. Throws `forbidden` and `state_conflict` as for any start there. */
async function placeOf(projects: ProjectDirectory, call: Caller, wanted: string | undefined) {
  if (wanted === undefined) return { project_id: call.project_id, role: call.principal.role };
  const { id, role, is_archived } = await resolveProject(projects, call, { id: wanted, at: '/project_id' });
  if (!hasRole(role, STARTER)) throw new AppError('forbidden', { detail: `This needs the role ${STARTER}.` });
  if (is_archived) throw new AppError('state_conflict', { detail: 'The project is archived.' });
  return { project_id: id, role };
}

const STARTER = 'editor';
