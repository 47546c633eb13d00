import path from 'node:path';
import { createAdvisories } from './container-advisories.ts';
import { createAgentRepository } from './container-agents.ts';
import { createCodeHost } from './container-code-hosts.ts';
import { findAnalysers } from './clients/analysers/programs.ts';
import { sweepArtifactDirectories } from './clients/deployers/artifact-directory.ts';
import { openRepository } from './clients/git/open-repository.ts';
import { sweepWorkspaces } from './clients/git/workspace.ts';
import { createCatalogue, createIntents, createModel } from './container-intents.ts';
import { createBuildSteps, createDeploymentSteps } from './container-deployments.ts';
import type { Base, Store } from './container-store.ts';
import type { AgentSource } from './contract/agent.ts';
import type { Sandbox } from './contract/sandbox.ts';
import { analyseArea } from './domain/builtins/code-analysis/analyse.ts';
import { processAnalyser, type Analyser } from './domain/builtins/code-analysis/analyser.ts';
import { externalAnalysers } from './domain/builtins/code-analysis/external.ts';
import { fetchCode } from './domain/builtins/code-analysis/fetch.ts';
import { generateReport } from './domain/builtins/code-analysis/report.ts';
import { runAIReview } from './domain/builtins/code-review/ai-review.ts';
import { runAutomatedChecks } from './domain/builtins/code-review/checks.ts';
import { fetchChanges } from './domain/builtins/code-review/fetch.ts';
import { postComments } from './domain/builtins/code-review/post.ts';
import { generateSummary } from './domain/builtins/code-review/summary.ts';
import { environments } from './domain/builtins/code-execution/environments.ts';
import { processResults } from './domain/builtins/code-execution/results.ts';
import { selectAgent } from './domain/builtins/code-execution/select.ts';
import { agentSteps } from './domain/builtins/code-execution/steps.ts';
import { aggregateResults } from './domain/builtins/intent-processing/results.ts';
import { intentSteps } from './domain/builtins/intent-processing/steps.ts';
import { sources } from './domain/builtins/source.ts';
import { codeNode } from './domain/nodes/code.ts';
import { analysisRepository } from './persistence/analyses.ts';

/** The steps of the product's own workflows that need no sandbox. */
export function createBuiltinSteps(base: Base, store: Store, manager?: AgentSource) {
  const analyser = processAnalyser();
  return {
    ...createExecutionSteps(base, manager),
    ...createAnalysisSteps(base, store, analyser),
    ...createReviewSteps(base, store, analyser),
    ...createIntentSteps(base, store),
    ...createDeploymentSteps(base, store, createSources(base, store.blobs)),
  };
}

function createExecutionSteps(base: Base, manager: AgentSource | undefined) {
  return {
    SelectAgent: selectAgent({
      agents: createAgentRepository(base),
      manager,
      random: Math.random,
      patience_ms: base.config.worker.agent_wait_seconds * 1_000,
    }),
    ProcessResults: processResults,
  };
}

function createAnalysisSteps(base: Base, { blobs }: Store, analyser: Analyser) {
  const analyses = analysisRepository(base.db);
  const { external, search_path } = base.config.analysis;
  const programs = external === 'off' ? [] : findAnalysers(search_path);
  const analyse = analyseArea({
    blobs,
    analyses,
    analyser,
    external: externalAnalysers({ programs, analyses }),
    advisories: createAdvisories(base),
  });
  return {
    FetchCode: fetchCode({ sources: createSources(base, blobs) }),
    RunStaticAnalysis: analyse,
    RunSecurityAnalysis: analyse,
    RunPerformanceAnalysis: analyse,
    GenerateReport: generateReport({ blobs, analyses }),
  };
}

function createReviewSteps(base: Base, { blobs }: Store, analyser: Analyser) {
  const host = createCodeHost(base);
  const model = createModel(base);
  return {
    FetchChanges: fetchChanges({
      sources: createSources(base, blobs),
      host,
      has_model: model !== undefined,
    }),
    RunAutomatedChecks: runAutomatedChecks({
      blobs,
      analyses: analysisRepository(base.db),
      analyser,
    }),
    RunAIReview: runAIReview({ blobs, model }),
    GenerateSummary: generateSummary({ blobs }),
    PostComments: postComments({ blobs, host }),
  };
}

function createIntentSteps(base: Base, store: Store) {
  const { keepVersion, steps } = store;
  return {
    ...intentSteps({ intents: createIntents(base), catalogue: createCatalogue(store), keepVersion }),
    AggregateResults: aggregateResults({ steps }),
  };
}

function createSources({ config: { repositories } }: Base, blobs: Store['blobs']) {
  const { local_roots, allow_hosts: hosts, max_files, max_file_bytes } = repositories;
  return sources({
    open: openRepository,
    blobs,
    allow: { local_roots, hosts },
    limits: {
      files: max_files,
      file_bytes: max_file_bytes,
      total_bytes: repositories.max_total_bytes,
      diff_bytes: MAX_DIFF_BYTES,
      time_ms: repositories.timeout_seconds * 1_000,
    },
  });
}

const MAX_DIFF_BYTES = 16 * 1024 * 1024;

const createEnvironments = ({ config }: Pick<Base, 'config'>) =>
  environments(path.join(config.data_dir, 'environments'));

/** What is carried out where programs are. */
export function createAgentSteps(
  base: Base,
  { blobs }: Store,
  { id, sandbox }: { id: string; sandbox: Sandbox },
) {
  const environment = createEnvironments(base);
  return {
    code: codeNode({ sandbox, blobs }),
    ...agentSteps({ agent_id: id, sandbox, blobs, environments: environment }),
    ...createBuildSteps(createSources(base, blobs), { blobs }, sandbox),
  };
}

/** Removes the environments of runs that ended while no agent was here to do it. */
export async function removeOldEnvironments(
  base: Base,
  { run_rows }: Pick<Store, 'run_rows'>,
): Promise<void> {
  const kept = createEnvironments(base);
  for (const run_id of await kept.list()) {
    const run = await run_rows.findAny(run_id);
    if (!run || run.ended_at !== null) await kept.remove(run_id);
  }
}

/** Removes what processes that were killed left on disk: fetched repositories, artifacts under way. */
export const removeOldWorkspaces = (): Promise<unknown> =>
  Promise.all([sweepWorkspaces(), sweepArtifactDirectories()]);
