import { AppError } from '../contract/errors.ts';
import type { RefService } from './refs.ts';
import type { OpenRun } from './run-open.ts';
import { parseRef, workflowOf } from './rules/tag-name.ts';

export interface ExperimentRequest {
  project_id: string;
  /** A workflow, by any reference. */
  experiment_id: string;
  /** One of its versions (hash, artifact id, tag, or tag below the workflow's name), or a label of the runtime's own. */
  version_id?: string;
}

/** What a run of an experiment is opened with. */
export type ExperimentRun = Pick<OpenRun, 'workflow' | 'workflow_name'> & {
  more: { experiment_id: string; version_id?: string };
};

export function experimentService({ refs }: { refs: Pick<RefService, 'find'> }) {
  async function leadsToAVersion(project_id: string, ref: string): Promise<boolean> {
    try {
      return (await refs.find(project_id, ref)).version_hash !== null;
    } catch (error) {
      if (error instanceof AppError && error.code === 'not_found') return false;
      throw error;
    }
  }

  /** The first way of reading the version id that leads to a version; undefined for a label. */
  async function versionRef(project_id: string, workflow: string, version_id: string) {
    for (const ref of candidates(workflow, version_id))
      if (await leadsToAVersion(project_id, ref)) return ref;
    return undefined;
  }

  return {
    /**
     * Which workflow and version a run is of: a version id that leads nowhere is a label, and the run is pinned to the
     * workflow's head. Throws `not_found` for an unknown experiment or version hash, `blob_collected`.
     */
    async resolve({ project_id, experiment_id, version_id }: ExperimentRequest): Promise<ExperimentRun> {
      const { workflow } = await refs.find(project_id, experiment_id);
      const workflow_name = workflow ?? undefined;
      if (version_id === undefined)
        return { workflow: experiment_id, workflow_name, more: { experiment_id } };
      const more = { experiment_id, version_id };
      const ref = await versionRef(project_id, workflow ?? '', version_id);
      // A hash is never a label: one that is unknown is a mistake.
      if (ref === undefined && parseRef(version_id)?.kind === 'hash') throw new AppError('not_found');
      return { workflow: ref ?? experiment_id, workflow_name, more };
    },
  };
}

export type ExperimentService = ReturnType<typeof experimentService>;

function candidates(workflow: string, version_id: string): string[] {
  const parsed = parseRef(version_id);
  if (!parsed) return [];
  if (parsed.kind !== 'tag') return [version_id];
  const own = workflowOf(version_id) === workflow ? [version_id] : [];
  return [...own, `${workflow}/${version_id}`];
}
