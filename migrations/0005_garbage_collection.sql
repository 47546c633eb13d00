-- Garbage collection: what must be there is there by constraint, and what takes long to find out is found out once.
-- False once the bytes were collected: a key that only blobs with bytes have.
ALTER TABLE cas_blob ADD COLUMN stored boolean NOT NULL GENERATED ALWAYS AS (collected_at IS NULL) STORED;
--> statement-breakpoint
ALTER TABLE cas_blob ADD CONSTRAINT cas_blob_stored UNIQUE (cas_id, stored);
--> statement-breakpoint
-- A live artifact needs its bytes: whichever of writing it and collecting them comes second is refused by this key.
ALTER TABLE artifact
  ADD COLUMN content_stored boolean GENERATED ALWAYS AS (CASE WHEN live THEN true END) STORED,
  DROP CONSTRAINT artifact_cas_id_fkey,
  ADD CONSTRAINT artifact_content_stored FOREIGN KEY (cas_id, content_stored) REFERENCES cas_blob (cas_id, stored);
--> statement-breakpoint
-- A collection looks at every row anyway, and each mark it sets would have to be entered here.
DROP INDEX cas_blob_unreachable;
--> statement-breakpoint
DROP INDEX artifact_unreachable;
--> statement-breakpoint
-- Which hashes the text of a blob names, found once, because bytes never change. Only of blobs that something live is
-- made of; a name that is no blob yet may become one.
CREATE TABLE blob_names (
  cas_id text PRIMARY KEY,
  names text[] NOT NULL
);
--> statement-breakpoint
-- Before something is collected, these say that no run needs it. Nearly all references are NULL and cost nothing.
CREATE INDEX run_artifact ON run (artifact_id) WHERE artifact_id IS NOT NULL;
--> statement-breakpoint
CREATE INDEX run_input_ref ON run (input_ref) WHERE input_ref IS NOT NULL;
--> statement-breakpoint
CREATE INDEX run_output_ref ON run (output_ref) WHERE output_ref IS NOT NULL;
--> statement-breakpoint
CREATE INDEX step_input_ref ON step (input_ref) WHERE input_ref IS NOT NULL;
--> statement-breakpoint
CREATE INDEX step_output_ref ON step (output_ref) WHERE output_ref IS NOT NULL;
--> statement-breakpoint
CREATE INDEX step_logs_ref ON step (logs_ref) WHERE logs_ref IS NOT NULL;
--> statement-breakpoint
-- Retention takes the runs that ended first.
CREATE INDEX run_ended ON run (ended_at) WHERE ended_at IS NOT NULL;
--> statement-breakpoint
-- What a check of the whole store found wrong. `about` is a cas_id, an artifact's id or whatever the kind of problem is about.
CREATE TABLE fsck_finding (
  job_id uuid NOT NULL,
  kind text NOT NULL,
  about text NOT NULL,
  detail text NOT NULL,
  found_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (job_id, kind, about)
);
