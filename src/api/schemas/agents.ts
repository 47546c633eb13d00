import { z } from 'zod';
import { AGENT_ID, AGENT_SOURCES, AGENT_STATUSES } from '../../contract/agent.ts';
import { instant, page, pageQuery } from './conventions.ts';

const agentId = z
  .string()
  .transform((id) => id.toLowerCase())
  .pipe(z.string().regex(AGENT_ID, 'must be the id of an agent'));

export const agentParams = z.strictObject({ id: agentId });
export const listAgentsQuery = z.strictObject(pageQuery);

export const agentView = z
  .object({
    id: z.string(),
    type: z.string().meta({ description: '`code`; what the Agent Manager calls those of its own.' }),
    source: z.enum(AGENT_SOURCES).meta({ description: 'Who knows of it.' }),
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

/** What could not be asked is known as it was last heard of, and its agents are lost. */
export const agentPage = page(agentView).extend({
  unavailable: z.array(z.enum(AGENT_SOURCES)).meta({ description: 'Who could not be asked.' }),
});
