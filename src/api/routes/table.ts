import type { Capabilities } from '../schemas/platform.ts';
import type { Route } from '../route.ts';
import type { MaintenanceService } from '../../domain/maintenance.ts';
import type { CommandService } from '../../domain/run-commands.ts';
import type { MessageService } from '../../domain/run-messages.ts';
import type { RunFeed } from '../../domain/run-feed.ts';
import type { RunReads } from '../../domain/run-reads.ts';
import type { RunService } from '../../domain/runs.ts';
import type { StoreServices } from '../../domain/store.ts';
import { adminRoutes } from './admin.ts';
import { storeRoutes } from './store.ts';
import { plannedRoutes } from './planned.ts';
import { platformRoutes, type Check } from './platform.ts';
import { runCommandRoutes } from './run-commands.ts';
import { runMessageRoutes } from './run-messages.ts';
import { runReadRoutes } from './run-reads.ts';
import { runRoutes } from './runs.ts';

export interface RouteServices {
  runs: RunService;
  commands: CommandService;
  messages: MessageService;
  reads: RunReads;
  feed: RunFeed;
  store: StoreServices;
  maintenance: MaintenanceService;
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

/** Every route of the product: what is there, and what the contract promises and answers 501. */
export function routeTable({
  services,
  ids,
  version,
  checks,
  capabilities,
  shutdown,
}: RouteTableOptions): Route[] {
  const { runs, commands, messages, reads, feed, store, maintenance } = services;
  return [
    ...storeRoutes(store),
    ...runRoutes({ runs }),
    ...runReadRoutes({ runs, reads, feed, shutdown }),
    ...runCommandRoutes({ commands, runs, ids }),
    ...runMessageRoutes({ messages, ids }),
    ...platformRoutes({ version, checks, capabilities }),
    ...adminRoutes({ maintenance }),
    ...plannedRoutes,
  ];
}
