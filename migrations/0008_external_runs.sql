-- External runs: a runtime outside reports by heartbeats, and takes its commands under a lease.
ALTER TABLE run ADD COLUMN experiment_id text;
--> statement-breakpoint
-- As the caller named it: a reference to a version, or a label that only the runtime knows.
ALTER TABLE run ADD COLUMN version_id text;
--> statement-breakpoint
ALTER TABLE run ADD CONSTRAINT run_version_of_experiment CHECK (version_id IS NULL OR experiment_id IS NOT NULL);
--> statement-breakpoint
-- The order in which a run's commands were accepted: their rows are written under the lock of its row.
ALTER TABLE run_command ADD COLUMN seq bigint GENERATED ALWAYS AS IDENTITY;
--> statement-breakpoint
ALTER TABLE run_command ADD COLUMN lease_token uuid;
--> statement-breakpoint
ALTER TABLE run_command ADD COLUMN lease_expires_at timestamptz;
--> statement-breakpoint
ALTER TABLE run_command ADD COLUMN deliveries integer NOT NULL DEFAULT 0;
--> statement-breakpoint
-- What the runtime says it has done.
ALTER TABLE run_command ADD COLUMN applied json;
--> statement-breakpoint
ALTER TABLE run_command ADD COLUMN superseded_by text;
--> statement-breakpoint
ALTER TABLE run_command ADD CONSTRAINT run_command_superseded_by CHECK (superseded_by IS NULL OR state = 'superseded');
--> statement-breakpoint
CREATE INDEX run_command_in_order ON run_command (run_id, seq) WHERE state IN ('queued', 'delivered');
--> statement-breakpoint
-- The latest heartbeat of a run, apart from its row: it changes every few seconds, and most changes touch nothing else.
CREATE TABLE run_heartbeat (
  run_id uuid PRIMARY KEY REFERENCES run (id) ON DELETE CASCADE,
  at timestamptz NOT NULL,
  -- When its silence is judged next; null when nothing is left to be said about it.
  due_at timestamptz,
  status text NOT NULL CHECK (status IN ('running', 'paused', 'terminating', 'errored')),
  step bigint NOT NULL CHECK (step >= 0),
  checkpoint_version bigint NOT NULL CHECK (checkpoint_version >= 0),
  samples_per_sec double precision NOT NULL,
  loss double precision,
  metrics json,
  beats bigint NOT NULL DEFAULT 1,
  -- Every so many heartbeats one is kept as a point of the series.
  stride bigint NOT NULL DEFAULT 1
) WITH (fillfactor = 70);
--> statement-breakpoint
CREATE INDEX run_heartbeat_due ON run_heartbeat (due_at) WHERE due_at IS NOT NULL;
--> statement-breakpoint
CREATE TABLE run_metric (
  run_id uuid NOT NULL REFERENCES run (id) ON DELETE CASCADE,
  beat bigint NOT NULL,
  at timestamptz NOT NULL,
  step bigint NOT NULL,
  checkpoint_version bigint NOT NULL,
  samples_per_sec double precision NOT NULL,
  loss double precision,
  metrics json,
  PRIMARY KEY (run_id, beat)
);
--> statement-breakpoint
-- Steps that agents outside carry out: offered, taken under a lease, completed once.
CREATE TABLE agent_task (
  id uuid PRIMARY KEY,
  project_id uuid NOT NULL REFERENCES project (id),
  run_id uuid NOT NULL REFERENCES run (id) ON DELETE CASCADE,
  epoch integer NOT NULL,
  node text NOT NULL,
  item integer NOT NULL DEFAULT -1,
  attempt integer NOT NULL CHECK (attempt >= 1),
  capability text NOT NULL CHECK (length(capability) BETWEEN 1 AND 200),
  task json NOT NULL,
  task_ref text REFERENCES cas_blob (cas_id),
  priority integer NOT NULL,
  state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'claimed', 'done', 'cancelled')),
  claimed_by text,
  lease_token uuid,
  lease_expires_at timestamptz,
  deliveries integer NOT NULL DEFAULT 0,
  -- Digest of what it was completed with, so that the same completion may come again.
  outcome_hash text,
  -- As exact as a cursor can say it.
  created_at timestamptz NOT NULL DEFAULT date_trunc('milliseconds', clock_timestamp()),
  claimed_at timestamptz,
  ended_at timestamptz,
  CONSTRAINT agent_task_step UNIQUE (run_id, epoch, node, item, attempt),
  CHECK (state NOT IN ('claimed', 'done') OR num_nulls(claimed_by, lease_token, lease_expires_at) = 0),
  CHECK ((state = 'done') = (outcome_hash IS NOT NULL)),
  CHECK ((state IN ('done', 'cancelled')) = (ended_at IS NOT NULL))
);
--> statement-breakpoint
CREATE INDEX agent_task_offered ON agent_task (project_id, capability, priority, created_at, id) WHERE state IN ('open', 'claimed');
--> statement-breakpoint
CREATE INDEX agent_task_list ON agent_task (project_id, created_at DESC, id DESC);
--> statement-breakpoint
CREATE INDEX agent_task_ref ON agent_task (task_ref) WHERE task_ref IS NOT NULL;
--> statement-breakpoint
ALTER TABLE run_command DROP CONSTRAINT run_command_type_check;
--> statement-breakpoint
ALTER TABLE run_command ADD CONSTRAINT run_command_type_check
  CHECK (type IN ('pause', 'resume', 'terminate', 'tune', 'cancel', 'event', 'decide', 'complete'));
