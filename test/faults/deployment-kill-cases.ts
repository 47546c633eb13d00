/** Where the worker or the agent of a deployment is killed. */
export interface Killed {
  node: string;
  /** When the step is done and not recorded; when its release is there, or back, and that is not recorded; in the middle. */
  held: 'end' | 'live' | 'undone' | 'itself';
  kind?: 'workflow';
  /** What is deployed does not work. */
  is_bad?: true;
}

const UNDO = { node: 'UndoDeployment', is_bad: true } as const;
/** Every step, at its end; those that wait for something, in their middle; and where a release is there before its row says so. */
export const CASES: Killed[] = [
  { node: 'DeployToProduction', held: 'itself' },
  ...[
    ...['ValidateDeployment', 'BuildArtifacts', 'RunTests', 'DeployToStaging', 'RunSmokeTests'],
    ...['DeployToProduction', 'HealthCheck', 'ConcludeDeployment'],
  ].map((node) => ({ node, held: 'end' as const })),
  ...['BuildArtifacts', 'RunTests', 'DeployToStaging', 'RunSmokeTests', 'HealthCheck'].map((node) => ({
    node,
    held: 'itself' as const,
  })),
  { node: 'DeployToProduction', held: 'live' },
  ...(['end', 'undone', 'itself'] as const).map((held) => ({ ...UNDO, held })),
  ...(['end', 'live'] as const).map((held) => ({
    node: 'DeployToProduction',
    held,
    kind: 'workflow' as const,
  })),
  ...(['end', 'undone'] as const).map((held) => ({ ...UNDO, held, kind: 'workflow' as const })),
];

const SLEEP = { language: 'bash', source: 'echo begun; sleep 600', limits: { wall_ms: 300_000 } };
/** These hang for ever, and are cancelled in the end. */
export const PROGRAMS: Record<string, object> = {
  BuildArtifacts: { build: SLEEP },
  RunTests: { test: SLEEP },
};
/** These hang in a command of a check, in the environment of that name. */
export const CHECKED: Record<string, string> = { RunSmokeTests: 'proving', HealthCheck: 'live' };
/** Found again among the processes. */
export const sleepOf = (environment: string) => `sleep 86${environment.split('-')[1]!.padStart(2, '0')}`;
export const isProgram = ({ node, held }: Killed) => held === 'itself' && node in PROGRAMS;
