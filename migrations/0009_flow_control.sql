-- What holds a run back before it starts, as its definition said when it was accepted; all null for most runs.
-- Nothing else is kept: a slot of a key is the open run that was admitted under it, and the beat of a rate is the last one's.
ALTER TABLE run
  ADD COLUMN flow_key text CHECK (length(flow_key) BETWEEN 1 AND 500),
  ADD COLUMN flow_limit integer CHECK (flow_limit >= 1),
  ADD COLUMN rate_key text CHECK (length(rate_key) BETWEEN 1 AND 500),
  ADD COLUMN rate_per_second double precision CHECK (rate_per_second > 0),
  ADD COLUMN start_id text CHECK (length(start_id) BETWEEN 1 AND 500),
  ADD COLUMN admitted_at timestamptz,
  -- The beat of its rate that its start stands for: never closer to another than the rate allows.
  ADD COLUMN rate_slot timestamptz,
  ADD CONSTRAINT run_flow_has_limit CHECK ((flow_key IS NULL) = (flow_limit IS NULL)),
  ADD CONSTRAINT run_rate_has_pace CHECK ((rate_key IS NULL) = (rate_per_second IS NULL)),
  ADD CONSTRAINT run_rate_slot_when_admitted CHECK ((rate_slot IS NULL) = (rate_key IS NULL OR admitted_at IS NULL));
--> statement-breakpoint
-- Who waits, in the order in which they go.
CREATE INDEX run_flow_waiting ON run (project_id, flow_key, priority, created_at, id)
  WHERE flow_key IS NOT NULL AND admitted_at IS NULL AND ended_at IS NULL;
--> statement-breakpoint
CREATE INDEX run_rate_waiting ON run (project_id, rate_key, priority, created_at, id)
  WHERE rate_key IS NOT NULL AND admitted_at IS NULL AND ended_at IS NULL;
--> statement-breakpoint
-- Every open run of a key, the newest of which says what its limit is.
CREATE INDEX run_flow_open ON run (project_id, flow_key, created_at, id) WHERE flow_key IS NOT NULL AND ended_at IS NULL;
--> statement-breakpoint
CREATE INDEX run_flow_holding ON run (project_id, flow_key)
  WHERE flow_key IS NOT NULL AND admitted_at IS NOT NULL AND ended_at IS NULL;
--> statement-breakpoint
-- Ended runs too: the last beat counts, whatever became of the run.
CREATE INDEX run_rate_beat ON run (project_id, rate_key, rate_slot) WHERE rate_slot IS NOT NULL;
--> statement-breakpoint
CREATE INDEX run_start_open ON run (project_id, workflow, start_id, created_at, id)
  WHERE start_id IS NOT NULL AND ended_at IS NULL;
