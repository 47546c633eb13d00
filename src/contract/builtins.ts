/**
 * The five workflows of the product's own (contract §7). Each is a definition like a user's, whose steps are activities of ours:
 * so they are versioned, controlled, retried and recorded as everything else is.
 */
import type { RunType } from './run.ts';

export type BuiltinType = Exclude<RunType, 'dag'>;

/** The steps that are activities, named as they appear everywhere; the other steps are ordinary nodes. */
export const BUILTIN_ACTIVITIES = {
  intent_processing: ['AnalyzeIntent', 'CreateExecutionPlan', 'AggregateResults'],
  code_execution: [
    'SelectAgent',
    'PrepareEnvironment',
    'ExecuteCode',
    'ProcessResults',
    'CleanupEnvironment',
  ],
  code_analysis: [
    'FetchCode',
    'RunStaticAnalysis',
    'RunSecurityAnalysis',
    'RunPerformanceAnalysis',
    'GenerateReport',
  ],
  code_review: ['FetchChanges', 'RunAutomatedChecks', 'RunAIReview', 'GenerateSummary', 'PostComments'],
  deployment: [
    'ValidateDeployment',
    'BuildArtifacts',
    'RunTests',
    'DeployToStaging',
    'RunSmokeTests',
    'DeployToProduction',
    'HealthCheck',
    'UndoDeployment',
    'ConcludeDeployment',
  ],
} as const satisfies Record<BuiltinType, readonly string[]>;

export type BuiltinActivity = (typeof BUILTIN_ACTIVITIES)[BuiltinType][number];

/** Those that are carried out where programs are: on an agent. */
export const AGENT_ACTIVITIES = ['PrepareEnvironment', 'ExecuteCode', 'CleanupEnvironment'] as const;
export type AgentActivity = (typeof AGENT_ACTIVITIES)[number];

/** Those that are an agent's when there is a program to run, and anybody's otherwise; their node's `queue` says which. */
export const BUILD_ACTIVITIES = ['BuildArtifacts', 'RunTests'] as const;
export type BuildActivity = (typeof BUILD_ACTIVITIES)[number];
