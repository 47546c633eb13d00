import { field, integer, section } from './config-fields.ts';

const DAY_SECONDS = 86_400;

/** Runs that a runtime outside carries out. */
export const external_runs = section({
  heartbeat_interval_seconds: field(
    integer(0, DAY_SECONDS).default(5),
    'Least time between two heartbeats of a run.',
  ),
  stale_after_seconds: field(
    integer(1, DAY_SECONDS).default(45),
    'Silence after which the health of a run is `heartbeat_stale`.',
  ),
  unresponsive_after_seconds: field(
    integer(1, DAY_SECONDS).default(135),
    'Silence after which it is `unresponsive`, and terminating it is recommended.',
  ),
  health_interval_seconds: field(integer(0, 3600).default(10), 'How often silence is judged; 0 is never.'),
  command_lease_seconds: field(
    integer(1, 3600).default(30),
    'How long a runtime has a command to itself before it is handed out again.',
  ),
  metric_points: field(
    integer(2, 100_000).default(1000),
    'Points kept of what the heartbeats of one run say, evenly spread over its life.',
  ),
}).superRefine((limits, context) => {
  const { stale_after_seconds, unresponsive_after_seconds } = limits;
  if (unresponsive_after_seconds > stale_after_seconds) return;
  const message = 'must be more than stale_after_seconds';
  context.addIssue({ code: 'custom', path: ['unresponsive_after_seconds'], message, input: limits });
});

/** Steps that agents outside carry out. */
export const agent_tasks = section({
  lease_seconds: field(
    integer(1, 3600).default(60),
    'How long an agent has a task without a heartbeat before it is offered again.',
  ),
});
