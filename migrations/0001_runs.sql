-- Runs: the projection of Temporal executions, their public log, and the outbox that carries starts and commands.
CREATE TABLE run (
  id uuid PRIMARY KEY,
  project_id uuid NOT NULL REFERENCES project (id),
  type text NOT NULL,
  workflow text,
  requested_ref text,
  artifact_id uuid REFERENCES artifact (id),
  version_hash text,
  manifest_id uuid REFERENCES artifact (id),
  snapshot_id uuid REFERENCES artifact (id),
  executor text NOT NULL DEFAULT 'temporal' CHECK (executor IN ('temporal', 'external')),
  state text NOT NULL CHECK (state IN ('queued', 'provisioning', 'running', 'paused', 'terminating',
    'completed', 'failed', 'errored', 'terminated', 'cancelled')),
  runtime_status text CHECK (runtime_status IN ('running', 'paused', 'terminating', 'errored')),
  health text NOT NULL DEFAULT 'healthy' CHECK (health IN ('healthy', 'heartbeat_stale', 'unresponsive')),
  -- json, not jsonb: what the caller sent comes back as sent, U+0000 escapes included.
  input json NOT NULL,
  input_ref text REFERENCES cas_blob (cas_id),
  params json NOT NULL,
  output json,
  output_ref text REFERENCES cas_blob (cas_id),
  error json,
  current_step text,
  progress_done integer NOT NULL DEFAULT 0,
  progress_total integer NOT NULL DEFAULT 0,
  in_flight integer NOT NULL DEFAULT 0,
  epoch integer NOT NULL DEFAULT 0,
  -- The last journal entry that was written; a flush that comes twice is dropped by it.
  journal_seq integer NOT NULL DEFAULT 0,
  last_event_seq integer NOT NULL DEFAULT 0,
  reason text,
  labels jsonb NOT NULL DEFAULT '{}',
  priority integer NOT NULL DEFAULT 3 CHECK (priority BETWEEN 1 AND 5),
  created_by text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  started_at timestamptz,
  ended_at timestamptz,
  CONSTRAINT run_ended_when_final CHECK (
    (state IN ('completed', 'failed', 'errored', 'terminated', 'cancelled')) = (ended_at IS NOT NULL)),
  CONSTRAINT run_dag_is_pinned CHECK (type <> 'dag' OR (artifact_id IS NOT NULL AND version_hash IS NOT NULL))
);
--> statement-breakpoint
CREATE INDEX run_list ON run (project_id, created_at DESC, id DESC);
--> statement-breakpoint
CREATE INDEX run_open ON run (state) WHERE ended_at IS NULL;
--> statement-breakpoint
CREATE INDEX run_workflow ON run (project_id, workflow, created_at DESC, id DESC);
--> statement-breakpoint
CREATE INDEX run_labels ON run USING gin (labels jsonb_path_ops);
--> statement-breakpoint
CREATE TABLE run_state_transition (
  run_id uuid NOT NULL REFERENCES run (id),
  event_seq integer NOT NULL,
  from_state text,
  to_state text NOT NULL,
  actor text NOT NULL,
  reason text,
  at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (run_id, event_seq)
);
--> statement-breakpoint
CREATE TABLE run_event (
  run_id uuid NOT NULL REFERENCES run (id),
  seq integer NOT NULL CHECK (seq >= 1),
  type text NOT NULL,
  time timestamptz NOT NULL DEFAULT clock_timestamp(),
  data json NOT NULL,
  PRIMARY KEY (run_id, seq)
);
--> statement-breakpoint
CREATE TABLE step (
  run_id uuid NOT NULL REFERENCES run (id),
  epoch integer NOT NULL,
  node text NOT NULL,
  item integer NOT NULL DEFAULT -1,
  attempt integer NOT NULL CHECK (attempt >= 1),
  state text NOT NULL CHECK (state IN ('pending', 'running', 'succeeded', 'failed', 'skipped', 'cancelled', 'waiting')),
  input_ref text,
  output json,
  output_ref text REFERENCES cas_blob (cas_id),
  -- Digest of the output, inline or not: what the run snapshot names.
  output_hash text,
  error json,
  agent_id text,
  cause text,
  logs_ref text,
  started_at timestamptz,
  ended_at timestamptz,
  PRIMARY KEY (run_id, epoch, node, item, attempt)
);
--> statement-breakpoint
CREATE TABLE run_command (
  run_id uuid NOT NULL REFERENCES run (id),
  id text NOT NULL CHECK (length(id) BETWEEN 1 AND 255),
  type text NOT NULL CHECK (type IN ('pause', 'resume', 'terminate', 'tune', 'cancel')),
  payload json NOT NULL,
  payload_hash text NOT NULL,
  state text NOT NULL CHECK (state IN ('queued', 'delivered', 'acknowledged', 'rejected', 'superseded', 'expired')),
  issued_by text NOT NULL,
  issued_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  delivered_at timestamptz,
  acknowledged_at timestamptz,
  reason text,
  PRIMARY KEY (run_id, id)
);
--> statement-breakpoint
-- What must reach Temporal: written with the row it belongs to, removed when Temporal has it.
CREATE TABLE outbox (
  id uuid PRIMARY KEY,
  run_id uuid NOT NULL REFERENCES run (id),
  kind text NOT NULL CHECK (kind IN ('start', 'command')),
  command_id text,
  attempts integer NOT NULL DEFAULT 0,
  next_attempt_at timestamptz NOT NULL,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  CHECK ((kind = 'command') = (command_id IS NOT NULL))
);
--> statement-breakpoint
CREATE INDEX outbox_due ON outbox (next_attempt_at);
--> statement-breakpoint
CREATE UNIQUE INDEX outbox_one_start ON outbox (run_id) WHERE kind = 'start';
--> statement-breakpoint
CREATE INDEX outbox_run ON outbox (run_id);
