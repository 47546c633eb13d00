-- What starts runs by itself: schedules and inbound webhooks of the definitions that live tags point at.
ALTER TABLE run ADD COLUMN schedule_id uuid;
--> statement-breakpoint
ALTER TABLE run ADD COLUMN scheduled_at timestamptz;
--> statement-breakpoint
ALTER TABLE run ADD COLUMN hook_id uuid;
--> statement-breakpoint
ALTER TABLE run ADD CONSTRAINT run_scheduled CHECK ((schedule_id IS NULL) = (scheduled_at IS NULL));
--> statement-breakpoint
CREATE INDEX run_schedule ON run (schedule_id, created_at DESC, id DESC) WHERE schedule_id IS NOT NULL;
--> statement-breakpoint
-- Which tags moved lately. Times only grow, so that an entry goes to the end of the index.
CREATE INDEX tag_move_lately ON tag_move (moved_at);
--> statement-breakpoint
-- The position of a live tag that the rows below follow. No row: the workflow has no live tag, or has not been looked at.
CREATE TABLE trigger_state (
  project_id uuid NOT NULL REFERENCES project (id),
  workflow text NOT NULL,
  tag text NOT NULL,
  target_id uuid NOT NULL,
  version_hash text NOT NULL,
  applied_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (project_id, workflow)
);
--> statement-breakpoint
-- What Temporal should have, and what it was last given. A schedule that is no longer wanted goes when Temporal has let go of it.
CREATE TABLE schedule (
  id uuid PRIMARY KEY,
  project_id uuid NOT NULL REFERENCES project (id),
  workflow text NOT NULL,
  cron text NOT NULL,
  time_zone text NOT NULL,
  overlap text NOT NULL CHECK (overlap IN ('skip', 'buffer_one', 'buffer_all', 'cancel_other', 'terminate_other', 'allow_all')),
  catch_up_seconds integer NOT NULL CHECK (catch_up_seconds >= 0),
  wanted boolean NOT NULL,
  -- Counts the changes of what is wanted; the one Temporal has; 0 when it has none, or has another than it was given.
  revision integer NOT NULL DEFAULT 1 CHECK (revision >= 1),
  applied_revision integer NOT NULL DEFAULT 0 CHECK (applied_revision BETWEEN 0 AND revision),
  -- Digest of what Temporal said it has after it was given `applied_revision`.
  fingerprint text,
  attempts integer NOT NULL DEFAULT 0,
  next_attempt_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  -- Why Temporal could not be given it, and why its last firing started no run.
  apply_error json,
  firing_error json,
  -- The last drift that was repaired.
  repaired text CHECK (repaired IN ('missing', 'changed')),
  repaired_at timestamptz,
  CHECK ((repaired IS NULL) = (repaired_at IS NULL))
);
--> statement-breakpoint
CREATE INDEX schedule_list ON schedule (project_id, workflow, id);
--> statement-breakpoint
CREATE INDEX schedule_due ON schedule (next_attempt_at) WHERE revision <> applied_revision;
--> statement-breakpoint
-- The address of a trigger: given once, so that moves, undo and even deletion of the workflow leave it as it is.
CREATE TABLE hook (
  id uuid PRIMARY KEY,
  project_id uuid NOT NULL REFERENCES project (id),
  workflow text NOT NULL,
  name text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  UNIQUE (project_id, workflow, name)
);
