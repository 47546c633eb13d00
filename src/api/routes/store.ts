import type { StoreServices } from '../../domain/store.ts';
import type { Route } from '../route.ts';
import { artifactRoutes } from './artifacts.ts';
import { blobRoutes } from './blobs.ts';
import { bundleRoutes } from './bundles.ts';
import { diffRoutes } from './diff.ts';
import { historyRoutes } from './history.ts';
import { mergeRoutes } from './merge.ts';
import { patchRoutes } from './patches.ts';
import { tagRoutes } from './tags.ts';
import { tagApprovalRoutes } from './tags-approvals.ts';
import { tagRuleRoutes } from './tags-rules.ts';
import { workflowRoutes } from './workflows.ts';
import { workflowCreateRoutes } from './workflows-create.ts';
import type { TagRollback } from './deployments.ts';
import type { WorkflowRuns } from './workflows-runs.ts';
import { workflowVersionRoutes } from './workflows-versions.ts';

/** Every route of the versioned store; with `runs` and `rollback`, they also speak of runs where the contract says so. */
export function storeRoutes(store: StoreServices, runs?: WorkflowRuns, rollback?: TagRollback): Route[] {
  const services = { ...store, runs, rollback };
  return [
    ...workflowCreateRoutes(services),
    ...workflowRoutes(services),
    ...workflowVersionRoutes(services),
    ...diffRoutes(services),
    ...mergeRoutes(services),
    ...historyRoutes(services),
    ...tagRoutes(services),
    ...tagApprovalRoutes(services),
    ...tagRuleRoutes(services),
    ...patchRoutes(services),
    ...artifactRoutes(services),
    ...blobRoutes(services),
    ...bundleRoutes(services),
  ];
}
