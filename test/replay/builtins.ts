import { definition, transform } from '../support/definitions.ts';
import { eventually } from '../support/eventually.ts';
import type { Product } from '../support/product.ts';
import type { Scenario } from './scenarios.ts';

const PROJECT = '00000000-0000-7000-8000-000000000001';

/** Answers once the step is in that state. */
const at = (product: Product, id: string, node: string, state: string) =>
  eventually(async () =>
    (await product.steps(id)).some((step) => step.node === node && step.state === state),
  );

/** Stops the run at a step, when that is at work or waits. */
const stoppedAt = (node: string, state: string, command = 'cancel') => ({
  act: async (product: Product, id: string) => {
    await at(product, id, node, state);
    await product.call('POST', `/runs/${id}/${command}`, {});
  },
  ends: 'cancelled',
});

const approved = (node: string) => async (product: Product, id: string) => {
  await at(product, id, node, 'waiting');
  await product.call('POST', `/runs/${id}/approvals/${node}`, { decision: 'approve' });
};

/** A workflow to be deployed, and an environment whose staging runs it once. */
const deployable = (name: string, value: string) => async (product: Product) => {
  await product.publish(name, definition(name, { total: transform(value) }));
  const environments = {
    proving: { deployer: 'tag', checks: [{ type: 'workflow', input: { n: 20 } }] },
    proven: { deployer: 'tag', staging: 'proving', approval: { forbid_self: false } },
  };
  for (const [environment, body] of Object.entries(environments)) {
    const { status } = await product.call('PUT', `/projects/${PROJECT}/environments/${environment}`, body);
    if (status >= 300) throw new Error(`the environment ${environment} was answered ${status}`);
  }
};
const SUM = '${{ input.n + 1 }}';
const of = (workflow: string, environment: string, more: object = {}) => ({
  kind: 'workflow',
  workflow,
  environment,
  ...more,
});

/** Every way of the workflows of the product's own that `scenarios.ts` does not have. */
export const BUILTINS: Readonly<Record<string, Scenario>> = {
  code_analysis: { type: 'code_analysis', input: {}, in_repository: true, ends: 'completed' },
  code_analysis_of_one_area: {
    type: 'code_analysis',
    input: { types: ['security'] },
    in_repository: true,
    ends: 'completed',
  },
  code_analysis_of_nothing: {
    type: 'code_analysis',
    input: { ref: 'nowhere' },
    in_repository: true,
    ends: 'failed',
  },
  code_review: {
    type: 'code_review',
    input: { base: 'main', head: 'coupons' },
    in_repository: true,
    ends: 'completed',
  },
  intent_processing: {
    type: 'intent_processing',
    input: { intent: 'Wait for 1 second.' },
    ends: 'completed',
  },
  intent_processing_unclear: {
    type: 'intent_processing',
    input: { intent: 'Run the code.' },
    ends: 'completed',
  },
  intent_processing_approved: {
    type: 'intent_processing',
    input: { intent: 'Wait for 1 second.', approve_plan: true },
    act: approved('ApprovePlan'),
    ends: 'completed',
  },
  intent_processing_cancelled: {
    type: 'intent_processing',
    input: { intent: 'Wait for 10 minutes.' },
    ...stoppedAt('ExecuteSteps', 'running'),
  },
  deployment: {
    type: 'deployment',
    before: deployable('deployed', SUM),
    input: of('deployed', 'production'),
    ends: 'completed',
  },
  deployment_of_what_is_live: {
    type: 'deployment',
    before: deployable('deployed', SUM),
    input: of('deployed', 'production'),
    ends: 'completed',
  },
  deployment_approved: {
    type: 'deployment',
    before: deployable('proven', SUM),
    input: of('proven', 'proven'),
    act: approved('Approval'),
    ends: 'completed',
  },
  deployment_undone: {
    type: 'deployment',
    before: deployable('broken', '${{ input.missing + 1 }}'),
    input: of('broken', 'proven'),
    ends: 'failed',
  },
  deployment_cancelled: {
    type: 'deployment',
    before: deployable('watched', SUM),
    input: of('watched', 'production', { watch_seconds: 600 }),
    ...stoppedAt('HealthCheck', 'running'),
  },
};
