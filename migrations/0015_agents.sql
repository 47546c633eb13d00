-- Processes that carry programs out: what they can, how they are, and what is asked of them.
CREATE TABLE agent (
  id uuid PRIMARY KEY,
  type text NOT NULL,
  name text NOT NULL,
  task_queue text NOT NULL,
  capabilities jsonb NOT NULL,
  labels jsonb NOT NULL,
  slots integer NOT NULL CHECK (slots > 0),
  running integer NOT NULL DEFAULT 0,
  version text NOT NULL,
  -- What it says of itself: whether it lives is told by its heartbeat.
  status text NOT NULL CHECK (status IN ('ready', 'draining', 'stopped')),
  started_at timestamptz NOT NULL DEFAULT now(),
  last_heartbeat_at timestamptz NOT NULL DEFAULT now(),
  restarts integer NOT NULL DEFAULT 0,
  restart_requested_at timestamptz,
  restart_requested_by text
);
--> statement-breakpoint
CREATE INDEX agent_alive ON agent (last_heartbeat_at DESC);
