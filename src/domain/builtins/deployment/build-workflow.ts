import type { NodeExecutor } from '../../node-tasks.ts';
import { ending, succeeding } from '../../nodes/succeeding.ts';
import type { DefinitionService } from '../../materialise.ts';
import { validateDefinition } from '../../rules/definition.ts';
import type { BuiltArtifact } from './artifact.ts';
import type { DeploymentPlan } from './validate.ts';

interface Source {
  artifact_id: string;
  version_hash: string;
}

/** BuildArtifacts and RunTests of a workflow: its version is the artifact, and it must be valid by the rules of today. */
export function workflowSteps({
  definitions,
}: {
  definitions: Pick<DefinitionService, 'read'>;
}): Record<'BuildArtifacts' | 'RunTests', NodeExecutor> {
  return {
    BuildArtifacts: ({ plan }, { project_id }) =>
      succeeding(async () => {
        const { source } = plan as DeploymentPlan;
        const { artifact_id, version_hash } = source as unknown as Source;
        await definitions.read(project_id, { artifact_id, version_hash });
        return { digest: version_hash, artifact_ref: null, source };
      }),

    RunTests: ({ artifact }, { project_id }) =>
      ending(async () => {
        const { source } = artifact as BuiltArtifact;
        const { artifact_id, version_hash } = source as unknown as Source;
        const document = await definitions.read(project_id, { artifact_id, version_hash });
        const problems = validateDefinition(document).map(({ path, message }) => ({ path, message }));
        const passed = problems.length === 0;
        return {
          state: passed ? 'succeeded' : 'failed',
          output: { passed, problems },
          error: passed ? null : { code: 'tests_failed', message: 'The definition is not valid any more.' },
        };
      }),
  };
}
