import type { Capabilities } from '../schemas/platform.ts';
import type { Route } from '../route.ts';
import type { Allowance } from '../../domain/allowance.ts';
import type { ApiKeyService } from '../../domain/identity/api-keys.ts';
import type { SessionService } from '../../domain/identity/sessions.ts';
import type { DraftService } from '../../domain/ide/drafts.ts';
import type { EvidenceService } from '../../domain/ide/evidence.ts';
import type { ProposalService } from '../../domain/ide/proposals.ts';
import type { PublishService } from '../../domain/ide/publish.ts';
import type { TokenRing } from '../../domain/identity/token-ring.ts';
import type { UserService } from '../../domain/identity/users.ts';
import type { MemberService } from '../../domain/project-members.ts';
import type { ProjectSettingsService } from '../../domain/project-settings.ts';
import type { ProjectService } from '../../domain/projects.ts';
import type { EventTail } from '../../domain/event-tail.ts';
import type { LimitService } from '../../domain/limits.ts';
import type { MaintenanceService } from '../../domain/maintenance.ts';
import type { BulkService } from '../../domain/bulk.ts';
import type { ReconcileService } from '../../domain/reconcile.ts';
import type { HookService } from '../../domain/hooks.ts';
import type { ScheduleService } from '../../domain/schedules.ts';
import type { AgentService } from '../../domain/agents.ts';
import type { AgentWorkService } from '../../domain/agent-work.ts';
import type { DeploymentInputs } from '../../domain/deployments.ts';
import type { PayloadService } from '../../domain/payloads.ts';
import type { SecretService } from '../../domain/secrets-kept.ts';
import type { EnvironmentService } from '../../domain/environments.ts';
import type { ExperimentService } from '../../domain/experiments.ts';
import type { ExternalCommandService } from '../../domain/external-commands.ts';
import type { ExternalRunService } from '../../domain/external-runs.ts';
import type { RunMetricsService } from '../../domain/run-metrics.ts';
import type { TuneService } from '../../domain/tunes.ts';
import type { CommandService } from '../../domain/run-commands.ts';
import type { MessageService } from '../../domain/run-messages.ts';
import type { ForkService } from '../../domain/run-forks.ts';
import type { RunFeed } from '../../domain/run-feed.ts';
import type { RunLogs } from '../../domain/run-logs.ts';
import type { RunReads } from '../../domain/run-reads.ts';
import type { RunStatus } from '../../domain/run-status.ts';
import type { RunService } from '../../domain/runs.ts';
import type { StoreServices } from '../../domain/store.ts';
import type { WebhookService } from '../../domain/webhooks.ts';
import type { AuditService } from '../../domain/audit.ts';
import { adminRoutes } from './admin.ts';
import { auditRoutes } from './audit.ts';
import { codecRoutes } from './codec.ts';
import { bulkRoutes } from './bulk.ts';
import { draftRoutes } from './drafts.ts';
import { deploymentRoutes, tagRollback } from './deployments.ts';
import { evidenceRoutes } from './evidence.ts';
import { environmentRoutes } from './environments.ts';
import { eventStreamRoutes } from './event-streams.ts';
import { authRoutes } from './auth.ts';
import { projectSettingsRoutes } from './project-settings.ts';
import { projectRoutes } from './projects.ts';
import { refinementRoutes } from './refinements.ts';
import { userRoutes } from './users.ts';
import { agentRoutes } from './agents.ts';
import { agentTaskRoutes } from './agent-tasks.ts';
import { externalRunRoutes } from './external-runs.ts';
import { runMetricsRoutes } from './run-metrics.ts';
import { storeRoutes } from './store.ts';
import { workflowRuns } from './workflows-runs.ts';
import { limitRoutes } from './limits.ts';
import { hookRoutes } from './hooks.ts';
import { platformRoutes, type Check } from './platform.ts';
import { runCommandRoutes } from './run-commands.ts';
import { runLogRoutes } from './run-logs.ts';
import { runForkRoutes } from './run-forks.ts';
import { runMessageRoutes } from './run-messages.ts';
import { runReadRoutes } from './run-reads.ts';
import { runRoutes } from './runs.ts';
import { secretRoutes } from './secrets.ts';
import { scheduleRoutes } from './schedules.ts';
import { webhookRoutes } from './webhooks.ts';

/** Drafts, and what is proposed for them. */
export interface IdeServices {
  drafts: DraftService;
  proposals: ProposalService;
  publishing: PublishService;
  frames: Parameters<typeof refinementRoutes>[0]['frames'];
  evidence: EvidenceService;
}

export interface RouteServices {
  runs: RunService;
  forks: ForkService;
  commands: CommandService;
  agents: AgentService;
  agent_work: AgentWorkService;
  projects: ProjectService;
  members: MemberService;
  sessions: SessionService;
  api_keys: ApiKeyService;
  users: UserService;
  ring: TokenRing;
  ide: IdeServices;
  experiments: ExperimentService;
  external: ExternalRunService;
  external_commands: ExternalCommandService;
  run_metrics: RunMetricsService;
  tunes: TuneService;
  messages: MessageService;
  reads: RunReads;
  feed: RunFeed;
  tail: EventTail;
  status: RunStatus;
  logs: RunLogs;
  webhooks: WebhookService;
  schedules: ScheduleService;
  limits: LimitService;
  hooks: HookService;
  hook_allowance: Allowance;
  guesses: Allowance;
  settings: ProjectSettingsService;
  store: StoreServices;
  maintenance: MaintenanceService;
  reconcile: ReconcileService;
  bulk: BulkService;
  environments: EnvironmentService;
  secrets: SecretService;
  deployments: DeploymentInputs;
  audit: AuditService;
  payloads: PayloadService;
  codec_origins: readonly string[];
}

export interface RouteTableOptions {
  services: RouteServices;
  ids: () => string;
  version: string;
  checks: Readonly<Record<string, Check>>;
  capabilities: () => Capabilities;
  /** Aborted at shutdown, so that streams end. */
  shutdown: AbortSignal;
}

/** Every route of the product. */
export function routeTable({
  services,
  ids,
  version,
  checks,
  capabilities,
  shutdown,
}: RouteTableOptions): Route[] {
  const { experiments, external, external_commands, run_metrics, agent_work, tunes } = services;
  const { runs, commands, messages, reads, feed, store, maintenance, reconcile } = services;
  const { tail, status, logs, webhooks, schedules, limits, hooks } = services;
  const { projects, environments, deployments } = services;
  const workflow_runs = workflowRuns({ runs, projects, ids });
  return [
    ...storeRoutes(store, workflow_runs, tagRollback({ deployments, workflow_runs })),
    ...runRoutes({ runs, status, experiments, ids, shutdown }),
    ...runReadRoutes({ reads }),
    ...runLogRoutes({ logs }),
    ...eventStreamRoutes({ runs, reads, feed, tail, shutdown }),
    ...runCommandRoutes({ commands, tunes, runs, ids }),
    ...externalRunRoutes({ external, external_commands, shutdown }),
    ...runMetricsRoutes({ run_metrics }),
    ...agentRoutes({ agents: services.agents }),
    ...agentTaskRoutes({ agent_work, shutdown }),
    ...runForkRoutes({ forks: services.forks }),
    ...runMessageRoutes({ messages, ids }),
    ...webhookRoutes({ webhooks }),
    ...hookRoutes({ hooks, allowance: services.hook_allowance }),
    ...scheduleRoutes({ schedules }),
    ...limitRoutes({ limits }),
    ...platformRoutes({ version, checks, capabilities }),
    ...bulkRoutes({ bulk: services.bulk, clock: () => new Date() }),
    ...adminRoutes({ maintenance, reconcile }),
    ...auditRoutes({ audit: services.audit, shutdown }),
    ...environmentRoutes({ environments }),
    ...secretRoutes({ secrets: services.secrets }),
    ...deploymentRoutes({ deployments, workflow_runs }),
    ...authRoutes(services),
    ...userRoutes(services),
    ...projectRoutes(services),
    ...projectSettingsRoutes(services),
    ...codecRoutes(services),
    ...refinementRoutes({ ...services.ide, feed, shutdown }),
    ...draftRoutes(services.ide),
    ...evidenceRoutes(services.ide),
  ];
}
