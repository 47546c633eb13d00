-- People who sign in, their sessions and API keys, the keys that sign their tokens, and who is what in which project.
CREATE TABLE app_user (
  id uuid PRIMARY KEY,
  email text NOT NULL CHECK (length(email) BETWEEN 3 AND 254),
  name text NOT NULL DEFAULT '' CHECK (length(name) <= 200),
  password_hash text,
  permissions text[] NOT NULL DEFAULT '{}',
  status text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'disabled')),
  created_by text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now()
);
--> statement-breakpoint
CREATE UNIQUE INDEX app_user_email ON app_user (lower(email));
--> statement-breakpoint
-- The administrator. Without a password nobody can sign in with, until the installation sets one.
INSERT INTO app_user (id, email, name, permissions, created_by)
VALUES ('00000000-0000-7000-8000-0000000000ad', 'admin@localhost', 'Administrator', '{installation:administer,tag:break_glass}', 'system');
--> statement-breakpoint
CREATE TABLE user_session (
  id uuid PRIMARY KEY,
  user_id uuid NOT NULL REFERENCES app_user (id) ON DELETE CASCADE,
  created_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL,
  revoked_at timestamptz
);
--> statement-breakpoint
CREATE INDEX user_session_user ON user_session (user_id);
--> statement-breakpoint
CREATE INDEX user_session_expiry ON user_session (expires_at);
--> statement-breakpoint
-- Each is good for one use; one that is shown twice was stolen, by the first or by the second.
CREATE TABLE refresh_token (
  hash bytea PRIMARY KEY,
  session_id uuid NOT NULL REFERENCES user_session (id) ON DELETE CASCADE,
  used_at timestamptz
);
--> statement-breakpoint
CREATE INDEX refresh_token_session ON refresh_token (session_id);
--> statement-breakpoint
CREATE TABLE api_key (
  id uuid PRIMARY KEY,
  user_id uuid NOT NULL REFERENCES app_user (id) ON DELETE CASCADE,
  name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
  hash bytea NOT NULL UNIQUE,
  role text NOT NULL CHECK (role IN ('viewer', 'editor', 'operator', 'maintainer', 'owner')),
  projects uuid[],
  permissions text[] NOT NULL DEFAULT '{}',
  created_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz,
  last_used_at timestamptz,
  revoked_at timestamptz
);
--> statement-breakpoint
CREATE INDEX api_key_user ON api_key (user_id, created_at DESC, id DESC);
--> statement-breakpoint
CREATE TABLE signing_key (
  kid text PRIMARY KEY,
  public_jwk jsonb NOT NULL,
  sealed_private_jwk text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  -- From then on it signs nothing, and verifies what it signed until that is over.
  retired_at timestamptz
);
--> statement-breakpoint
CREATE UNIQUE INDEX signing_key_current ON signing_key ((true)) WHERE retired_at IS NULL;
--> statement-breakpoint
CREATE TABLE project_member (
  project_id uuid NOT NULL REFERENCES project (id),
  user_id uuid NOT NULL REFERENCES app_user (id) ON DELETE CASCADE,
  role text NOT NULL CHECK (role IN ('viewer', 'editor', 'operator', 'maintainer', 'owner')),
  added_by text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (project_id, user_id)
);
--> statement-breakpoint
CREATE INDEX project_member_user ON project_member (user_id, created_at);
--> statement-breakpoint
ALTER TABLE project
  ADD COLUMN version integer NOT NULL DEFAULT 1,
  ADD COLUMN settings jsonb NOT NULL DEFAULT '{}',
  ADD COLUMN deleted_at timestamptz,
  DROP CONSTRAINT project_status_check,
  ADD CONSTRAINT project_status_check CHECK (status IN ('active', 'archived', 'deleted')),
  DROP CONSTRAINT project_name_key;
--> statement-breakpoint
-- The name of what was deleted is free again.
CREATE UNIQUE INDEX project_name_key ON project (name) WHERE status <> 'deleted';
--> statement-breakpoint
CREATE INDEX project_listed ON project (date_trunc('milliseconds', created_at AT TIME ZONE 'UTC') DESC, id DESC);
