-- Runs held against Temporal: which execution a run is written by, commands that come too late, commands for many runs.
-- The execution that wrote last. A reset makes another one under the same workflow id, and so does continue-as-new.
ALTER TABLE run ADD COLUMN temporal_run_id uuid;
--> statement-breakpoint
-- In the order of ids, which the reconciler reads; without the state, so that a change of it touches no index.
DROP INDEX run_open;
--> statement-breakpoint
CREATE INDEX run_open ON run (id) WHERE ended_at IS NULL;
--> statement-breakpoint
-- Not applied after this moment.
ALTER TABLE run_command ADD COLUMN expires_at timestamptz;
--> statement-breakpoint
CREATE INDEX run_command_expiring ON run_command (expires_at) WHERE state = 'queued';
--> statement-breakpoint
CREATE TABLE bulk_command (
  id uuid PRIMARY KEY,
  project_id uuid NOT NULL REFERENCES project (id),
  filter json NOT NULL,
  command json NOT NULL,
  matched integer NOT NULL,
  created_by text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  ended_at timestamptz,
  -- Until then one process carries it out; after that any other may.
  lease_until timestamptz NOT NULL
);
--> statement-breakpoint
CREATE INDEX bulk_command_open ON bulk_command (lease_until) WHERE ended_at IS NULL;
--> statement-breakpoint
CREATE TABLE bulk_item (
  bulk_id uuid NOT NULL REFERENCES bulk_command (id) ON DELETE CASCADE,
  run_id uuid NOT NULL REFERENCES run (id) ON DELETE CASCADE,
  state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'accepted', 'rejected')),
  -- Why not, from the error catalogue.
  code text,
  PRIMARY KEY (bulk_id, run_id),
  CHECK ((state = 'rejected') = (code IS NOT NULL))
);
--> statement-breakpoint
CREATE INDEX bulk_item_pending ON bulk_item (bulk_id, run_id) WHERE state = 'pending';
--> statement-breakpoint
CREATE INDEX bulk_item_run ON bulk_item (run_id);
