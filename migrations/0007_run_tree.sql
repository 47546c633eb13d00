-- A run that another run began, at one of its steps.
ALTER TABLE run ADD COLUMN parent_run_id uuid REFERENCES run (id);
--> statement-breakpoint
ALTER TABLE run ADD COLUMN parent_node text;
--> statement-breakpoint
ALTER TABLE run ADD COLUMN parent_item integer NOT NULL DEFAULT -1;
--> statement-breakpoint
ALTER TABLE run ADD CONSTRAINT run_parent_step CHECK ((parent_run_id IS NULL) = (parent_node IS NULL));
--> statement-breakpoint
CREATE INDEX run_children ON run (parent_run_id) WHERE parent_run_id IS NOT NULL;
--> statement-breakpoint
-- A run that takes another one up again, from a step on.
ALTER TABLE run ADD COLUMN forked_from uuid REFERENCES run (id);
--> statement-breakpoint
ALTER TABLE run ADD COLUMN forked_from_step text;
--> statement-breakpoint
ALTER TABLE run ADD CONSTRAINT run_forked_from_step CHECK ((forked_from IS NULL) = (forked_from_step IS NULL));
--> statement-breakpoint
CREATE INDEX run_forks ON run (forked_from) WHERE forked_from IS NOT NULL;
--> statement-breakpoint
-- The run that carried the step out, where it was not this one.
ALTER TABLE step ADD COLUMN reused_from uuid REFERENCES run (id);
--> statement-breakpoint
-- The time the whole run has.
ALTER TABLE run ADD COLUMN timeout_seconds double precision CHECK (timeout_seconds > 0);
