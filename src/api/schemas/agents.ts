import { z } from 'zod';
import { AGENT_STATUSES } from '../../contract/agent.ts';
import { instant, pageQuery, uuid } from './conventions.ts';

export const agentParams = z.strictObject({ id: uuid });
export const listAgentsQuery = z.strictObject(pageQuery);

export const agentView = z
  .object({
    id: z.string(),
    type: z.string(),
    name: z.string(),
    status: z.enum(AGENT_STATUSES),
    capabilities: z.object({
      languages: z.array(z.object({ language: z.string(), version: z.string().optional() })),
      isolation: z.string().nullable(),
      cores: z.int(),
      memory_bytes: z.int(),
    }),
    labels: z.record(z.string(), z.string()),
    load: z.number().meta({ description: 'What it works on, as a part of what it can work on at once.' }),
    running: z.int(),
    slots: z.int(),
    task_queue: z.string().meta({ description: 'The Temporal task queue that only it polls.' }),
    version: z.string(),
    started_at: instant,
    last_heartbeat_at: instant,
    restarts: z.int(),
    restart_requested_at: instant.nullable(),
  })
  .meta({ id: 'Agent' });
