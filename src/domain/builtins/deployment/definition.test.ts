import type { Json } from '../../../contract/json.ts';
import { evaluateGuard, type Scope } from '../../../language/expression.ts';
import { compilePlan } from '../../../language/plan.ts';
import { deploymentDefinition } from './definition.ts';

const PLANNED = {
  live: null,
  is_rollback: false,
  staging: null,
  target: 'web',
  subject: '',
  title: 'web',
};
const FROM_BUILD = ['BuildArtifacts', 'RunTests'];
const STAGED = ['DeployToStaging', 'SmokeRuns', 'RunSmokeTests'];
const LIVE = ['DeployToProduction', 'HealthCheck'];
const ENDS = ['UndoDeployment', 'ConcludeDeployment'];

interface Case {
  planned?: object;
  ends?: Record<string, string>;
  approval?: object | null;
  runs: string[];
}

/** The steps that run, each ending as told, or well. */
function carriedOut({ planned, ends = {}, approval = null }: Omit<Case, 'runs'>): string[] {
  const plan = compilePlan(deploymentDefinition({ kind: 'application', approval }), 'sha256:0');
  const steps: Record<string, Json> = {};
  const ran: string[] = [];
  for (const id of plan.order) {
    const { guard } = plan.nodes[id]!;
    const scope: Scope = { input: {}, params: {}, steps, run: {}, now_ms: 0 };
    const runs = guard === undefined || evaluateGuard(guard, scope);
    if (runs) ran.push(id);
    const output = id === 'ValidateDeployment' ? { ...PLANNED, ...planned } : {};
    steps[id] = { state: runs ? (ends[id] ?? 'succeeded') : 'skipped', output, error: null };
  }
  return ran.slice(1);
}

test.each<[string, Case]>([
  ['without staging', { runs: [...FROM_BUILD, ...LIVE, 'ConcludeDeployment'] }],
  [
    'over staging',
    { planned: { staging: 's' }, runs: [...FROM_BUILD, ...STAGED, ...LIVE, 'ConcludeDeployment'] },
  ],
  ['with an approval', { approval: {}, runs: [...FROM_BUILD, 'Approval', ...LIVE, 'ConcludeDeployment'] }],
  ['of what is live', { planned: { live: { release_id: 'r', digest: 'd' } }, runs: ['ConcludeDeployment'] }],
  [
    'back to a release, which was approved',
    { planned: { is_rollback: true }, approval: {}, runs: [...LIVE, 'ConcludeDeployment'] },
  ],
  ['that may not be', { ends: { ValidateDeployment: 'failed' }, runs: ['ConcludeDeployment'] }],
  ['that does not build', { ends: { BuildArtifacts: 'failed' }, runs: ['BuildArtifacts', ...ENDS] }],
  [
    'whose tests fail',
    { planned: { staging: 's' }, ends: { RunTests: 'failed' }, runs: [...FROM_BUILD, ...ENDS] },
  ],
  [
    'whose smoke tests fail',
    {
      planned: { staging: 's' },
      ends: { RunSmokeTests: 'failed' },
      approval: {},
      runs: [...FROM_BUILD, ...STAGED, ...ENDS],
    },
  ],
  [
    'that is rejected',
    { ends: { Approval: 'failed' }, approval: {}, runs: [...FROM_BUILD, 'Approval', ...ENDS] },
  ],
  ['that is unwell', { ends: { HealthCheck: 'failed' }, runs: [...FROM_BUILD, ...LIVE, ...ENDS] }],
  ['that is cancelled on the way', { ends: { RunTests: 'cancelled' }, runs: [...FROM_BUILD, ...ENDS] }],
])('a deployment %s carries out what it should, and nothing else', (_what, { runs, ...of }) => {
  expect(carriedOut(of)).toEqual(runs);
});
