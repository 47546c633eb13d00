-- The log is the outbox: the events of all runs in one order, (tx, run_id, seq), that a reader can follow without missing any.
--
-- An event is settled, and none can come before it any more, once every transaction up to its `tx` is over. The
-- transaction's own id would do for that, but not for the order within a run: an UPDATE takes its id before it waits for the
-- run's row, and may be overtaken while it waits. The newest transaction that is over once the writer has the row is
-- never older than the writer before it, nor than what that one saw.
CREATE FUNCTION event_tx() RETURNS xid8 LANGUAGE plpgsql VOLATILE PARALLEL RESTRICTED AS $$
BEGIN
  -- Volatile: the snapshot is taken here and now, not when the statement began. Its xmax is the newest one's next.
  RETURN greatest(pg_current_xact_id(), (pg_snapshot_xmax(pg_current_snapshot())::text::bigint - 1)::text::xid8);
END
$$;
--> statement-breakpoint
-- Events from before this migration come first, run by run.
ALTER TABLE run_event ADD COLUMN tx xid8 NOT NULL DEFAULT '0';
--> statement-breakpoint
ALTER TABLE run_event ALTER COLUMN tx SET DEFAULT event_tx();
--> statement-breakpoint
CREATE INDEX run_event_log ON run_event (tx, run_id, seq);
--> statement-breakpoint
-- Who reads the log, and how far it has come. A lease makes it one process at a time; the fence is how one that lost its
-- lease finds out.
CREATE TABLE event_sink (
  name text PRIMARY KEY,
  tx xid8 NOT NULL,
  run_id uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
  seq integer NOT NULL DEFAULT 0,
  fence bigint NOT NULL DEFAULT 0,
  -- In the future: somebody has it, or it rests after a failure.
  leased_until timestamptz NOT NULL DEFAULT '-infinity',
  failures integer NOT NULL DEFAULT 0,
  last_error text,
  updated_at timestamptz NOT NULL DEFAULT now()
);
--> statement-breakpoint
CREATE TABLE webhook (
  id uuid PRIMARY KEY,
  project_id uuid NOT NULL REFERENCES project (id),
  url text NOT NULL CHECK (length(url) BETWEEN 1 AND 2000),
  -- Exact types, or all below a prefix: `run.*`, `*`.
  events text[] NOT NULL CHECK (cardinality(events) BETWEEN 1 AND 50),
  description text CHECK (length(description) <= 500),
  secret text NOT NULL,
  enabled boolean NOT NULL DEFAULT true,
  -- Why it was switched off, when it was not its owner who did.
  disabled_reason text,
  -- It gets what is settled after this.
  since_tx xid8 NOT NULL DEFAULT pg_current_xact_id(),
  created_by text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now()
);
--> statement-breakpoint
CREATE INDEX webhook_list ON webhook (project_id, created_at DESC, id DESC);
--> statement-breakpoint
CREATE TABLE webhook_delivery (
  webhook_id uuid NOT NULL REFERENCES webhook (id) ON DELETE CASCADE,
  run_id uuid NOT NULL,
  seq integer NOT NULL,
  -- The event's, so that deliveries are listed as the log goes.
  tx xid8 NOT NULL,
  state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'delivered', 'dead')),
  attempts integer NOT NULL DEFAULT 0 CHECK (attempts >= 0),
  next_attempt_at timestamptz DEFAULT clock_timestamp(),
  last_status integer,
  last_error text,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  settled_at timestamptz,
  PRIMARY KEY (webhook_id, run_id, seq),
  CHECK ((state = 'pending') = (next_attempt_at IS NOT NULL)),
  CHECK ((state = 'pending') = (settled_at IS NULL))
);
--> statement-breakpoint
CREATE INDEX webhook_delivery_due ON webhook_delivery (webhook_id, next_attempt_at) WHERE state = 'pending';
--> statement-breakpoint
-- The first one of each run that waits: those after it wait for it.
CREATE INDEX webhook_delivery_head ON webhook_delivery (webhook_id, run_id, seq) WHERE state = 'pending';
--> statement-breakpoint
CREATE INDEX webhook_delivery_list ON webhook_delivery (webhook_id, tx DESC, run_id DESC, seq DESC);
--> statement-breakpoint
CREATE INDEX webhook_delivery_run ON webhook_delivery (run_id);
--> statement-breakpoint
CREATE INDEX webhook_delivery_settled ON webhook_delivery (settled_at) WHERE state = 'delivered';
