-- Where things are deployed to, what was brought there, and who is deploying there now.
CREATE TABLE environment (
  id uuid PRIMARY KEY,
  project_id uuid NOT NULL REFERENCES project (id),
  name text NOT NULL CHECK (name ~ '^[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?$'),
  description text NOT NULL,
  deployer text NOT NULL CHECK (deployer IN ('release_directory', 'command', 'docker_compose', 'kubernetes', 'webhook', 'tag')),
  settings json NOT NULL,
  variables json NOT NULL,
  -- Names only: values are looked up when something is deployed.
  secrets json NOT NULL,
  checks json NOT NULL,
  watch_seconds integer NOT NULL CHECK (watch_seconds >= 0),
  staging text,
  approval json,
  binds_tags boolean NOT NULL,
  version integer NOT NULL DEFAULT 1 CHECK (version >= 1),
  created_by text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (project_id, name),
  CHECK (staging <> name),
  CHECK (deployer = 'tag' OR NOT binds_tags)
);
--> statement-breakpoint
CREATE TABLE release (
  id uuid PRIMARY KEY,
  environment_id uuid NOT NULL REFERENCES environment (id),
  subject text NOT NULL,
  number integer NOT NULL CHECK (number >= 1),
  kind text NOT NULL CHECK (kind IN ('application', 'workflow')),
  digest text NOT NULL,
  artifact_ref text REFERENCES cas_blob (cas_id),
  source json NOT NULL,
  -- The version of a workflow that this is; it stays as long as the row does.
  artifact_id uuid REFERENCES artifact (id),
  state text NOT NULL CHECK (state IN ('deploying', 'live', 'superseded', 'undone', 'failed')),
  -- No key: a run goes when its time is over, and what it deployed stays.
  run_id uuid NOT NULL,
  previous_id uuid REFERENCES release (id),
  reason text,
  evidence_ref text REFERENCES cas_blob (cas_id),
  created_by text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  live_at timestamptz,
  ended_at timestamptz,
  UNIQUE (environment_id, subject, number),
  CHECK ((state IN ('deploying', 'live')) = (ended_at IS NULL))
);
--> statement-breakpoint
CREATE INDEX release_list ON release (environment_id, created_at DESC, id DESC);
--> statement-breakpoint
CREATE INDEX release_run ON release (run_id);
--> statement-breakpoint
CREATE INDEX release_under_way ON release (created_at) WHERE state = 'deploying';
--> statement-breakpoint
CREATE INDEX release_artifact ON release (artifact_id) WHERE artifact_id IS NOT NULL;
--> statement-breakpoint
CREATE INDEX release_artifact_ref ON release (artifact_ref) WHERE artifact_ref IS NOT NULL;
--> statement-breakpoint
CREATE INDEX release_evidence ON release (evidence_ref) WHERE evidence_ref IS NOT NULL;
--> statement-breakpoint
-- The one row that all who deploy to a place meet at: what is live there, and whose turn it is.
CREATE TABLE deployment_target (
  environment_id uuid NOT NULL REFERENCES environment (id),
  subject text NOT NULL,
  current_release_id uuid REFERENCES release (id),
  last_number integer NOT NULL DEFAULT 0,
  run_id uuid,
  since timestamptz,
  PRIMARY KEY (environment_id, subject),
  CHECK ((run_id IS NULL) = (since IS NULL))
);
--> statement-breakpoint
CREATE INDEX deployment_target_run ON deployment_target (run_id) WHERE run_id IS NOT NULL;
