import { z } from 'zod';
import { field, flag, integer, labels, section, word } from './config-fields.ts';

/** The processes that carry runs out. */
export const worker = section({
  max_cached_workflows: field(
    integer(0, 100_000).default(100),
    'Workflows kept in memory between their tasks.',
  ),
  max_concurrent_workflow_tasks: field(integer(2, 10_000).default(200), 'Workflow tasks at once.'),
  max_concurrent_activities: field(integer(1, 10_000).default(100), 'Light activities at once.'),
  max_concurrent_local_activities: field(integer(1, 10_000).default(100), 'Local activities at once.'),
  max_concurrent_code_tasks: field(integer(1, 1000).optional(), 'Sandboxed programs at once.', {
    default_text: 'number of cores',
  }),
  versioning: field(
    flag.default(false),
    'Tell Temporal the build of the workflow worker, so that builds are rolled out one after the other.',
  ),
  deployment_name: field(word.default('orchestrator'), 'What the builds belong to, in Temporal.'),
  build_id: field(word.optional(), 'Name of this build, in place of version and hash of the workflow code.', {
    default_text: '`<version>-<hash>`',
  }),
  make_current: field(
    flag.default(true),
    'A build that Temporal has not seen becomes the current one when its first worker starts.',
  ),
  agent_id: field(
    z.uuid('must be a UUID').optional(),
    'Id of this process as an agent, so that it is the same one after a restart.',
    { default_text: 'a new one' },
  ),
  agent_name: field(word.optional(), 'What operators know this agent by.', {
    default_text: '`<host>:<pid>`',
  }),
  agent_labels: field(labels.default({}), 'What executions may ask for: `zone=b,gpu=yes`.', {
    default_text: 'none',
  }),
  agent_heartbeat_seconds: field(
    integer(1, 3600).default(5),
    'How often an agent says that it lives; three times that in silence, and it is lost.',
  ),
  agent_wait_seconds: field(
    integer(0, 600).default(30),
    'How long an execution waits for an agent that can carry it out, before it fails.',
  ),
  code_task_queue: field(word.optional(), 'Task queue of the code agents.', {
    default_text: '`<temporal.task_queue>-code`',
  }),
});
