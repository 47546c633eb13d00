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
