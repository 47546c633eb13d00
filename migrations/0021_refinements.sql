-- Drafts of workflows, the proposals that are made for them, and what was heard of each while it was worked out.
CREATE TABLE draft (
  id uuid PRIMARY KEY,
  project_id uuid NOT NULL REFERENCES project (id),
  workflow text NOT NULL,
  tag text NOT NULL,
  -- The position of the head tag that it began at; null for a workflow without a version.
  base_id uuid,
  base_hash text,
  state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'published', 'discarded')),
  published_id uuid,
  published_number integer,
  created_by text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  closed_by text,
  closed_at timestamptz,
  CHECK ((state = 'open') = (closed_at IS NULL)),
  CHECK ((state = 'published') = (published_number IS NOT NULL))
);
--> statement-breakpoint
CREATE UNIQUE INDEX draft_open ON draft (project_id, workflow) WHERE state = 'open';
--> statement-breakpoint
CREATE INDEX draft_list ON draft (project_id, created_at DESC, id DESC);
--> statement-breakpoint
CREATE TABLE proposal (
  id uuid PRIMARY KEY,
  project_id uuid NOT NULL REFERENCES project (id),
  draft_id uuid NOT NULL REFERENCES draft (id),
  thread_id uuid NOT NULL UNIQUE,
  instructions text NOT NULL,
  context jsonb,
  status text NOT NULL DEFAULT 'processing'
    CHECK (status IN ('processing', 'completed', 'failed', 'approved', 'rejected', 'superseded')),
  -- What the patch is against; null for a workflow without a version.
  base_id uuid,
  base_hash text,
  -- Set when it is completed: JSON Patch operations, files by path (a blob, or null for one that goes), what was said.
  patch json,
  files json,
  message text,
  questions json,
  understood boolean,
  error json,
  created_by text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  -- When its workflow was started in Temporal, as far as whoever started it knows.
  started_at timestamptz,
  completed_at timestamptz,
  resolved_by text,
  resolved_at timestamptz,
  reason text,
  superseded_by uuid REFERENCES proposal (id),
  applied_id uuid,
  -- When the engine was told that nobody needs the thread any more.
  forgotten_at timestamptz,
  last_frame_seq integer NOT NULL DEFAULT 0,
  CHECK ((status IN ('approved', 'rejected', 'superseded')) = (resolved_at IS NOT NULL))
);
--> statement-breakpoint
CREATE INDEX proposal_list ON proposal (project_id, created_at DESC, id DESC);
--> statement-breakpoint
CREATE INDEX proposal_of_draft ON proposal (draft_id, created_at DESC, id DESC);
--> statement-breakpoint
CREATE INDEX proposal_unstarted ON proposal (created_at) WHERE status = 'processing' AND started_at IS NULL;
--> statement-breakpoint
CREATE INDEX proposal_unforgotten ON proposal (id)
  WHERE forgotten_at IS NULL AND status IN ('failed', 'approved', 'rejected', 'superseded');
--> statement-breakpoint
CREATE TABLE proposal_frame (
  proposal_id uuid NOT NULL REFERENCES proposal (id) ON DELETE CASCADE,
  seq integer NOT NULL,
  type text NOT NULL CHECK (type IN ('status', 'progress', 'patch', 'message', 'error', 'end')),
  time timestamptz NOT NULL,
  data json NOT NULL,
  PRIMARY KEY (proposal_id, seq)
);
