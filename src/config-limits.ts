import { field, integer, section } from './config-fields.ts';

const MANY = 1_000_000;

/** How often API processes tell each other, through the database, what callers have taken of their allowances. */
export const rate_share_interval_ms = field(
  integer(0, 60_000).default(250),
  'How often API processes settle what callers took of their rates; 0: each process counts by itself.',
);

/** What each principal may have and do, over all projects. */
export const quotas = section({
  principal_open_runs: field(
    integer(0, MANY).default(0),
    'Runs that a principal may have open at once; 0 is any number.',
  ),
  principal_runs_per_day: field(
    integer(0, MANY).default(0),
    'Runs that a principal may start within 24 hours; 0 is any number.',
  ),
});
