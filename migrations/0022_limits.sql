-- Rate limits that all API processes share, what quotas are counted by, and the settings of projects.
-- Nothing here is worth a crash's care: after one every bucket is full.
CREATE UNLOGGED TABLE rate_bucket (
  key text PRIMARY KEY,
  -- When it is full again if nobody takes anything: a bucket is this one moment.
  full_at timestamptz NOT NULL,
  -- How far ahead that may lie, whatever was taken.
  most interval NOT NULL CHECK (most > interval '0')
);
--> statement-breakpoint
CREATE INDEX rate_bucket_full ON rate_bucket (full_at);
--> statement-breakpoint
ALTER TABLE project
  ADD COLUMN settings_version integer NOT NULL DEFAULT 1,
  ADD CONSTRAINT project_settings_check CHECK (
    jsonb_typeof(settings) = 'object'
    AND (settings ->> 'max_open_runs')::integer >= 1 IS NOT FALSE
    AND (settings ->> 'max_runs_per_day')::integer >= 1 IS NOT FALSE
    AND (settings ->> 'run_retention_days')::integer >= 0 IS NOT FALSE
  );
--> statement-breakpoint
-- Open runs that somebody asked for. Children are their parent's.
CREATE INDEX run_open_in_project ON run (project_id) WHERE ended_at IS NULL AND parent_run_id IS NULL;
--> statement-breakpoint
CREATE INDEX run_open_of_principal ON run (created_by) WHERE ended_at IS NULL AND parent_run_id IS NULL;
--> statement-breakpoint
CREATE INDEX run_begun_by ON run (created_by, created_at DESC) WHERE parent_run_id IS NULL;
--> statement-breakpoint
-- Each project may keep its runs for a time of its own.
DROP INDEX run_ended;
--> statement-breakpoint
CREATE INDEX run_ended ON run (project_id, ended_at) WHERE ended_at IS NOT NULL;
