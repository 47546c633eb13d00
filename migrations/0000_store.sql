-- Projects, content-addressed blobs, artifacts, patch chains, tags and their moves.
CREATE TABLE project (
  id uuid PRIMARY KEY,
  name text NOT NULL UNIQUE CHECK (length(name) BETWEEN 1 AND 200),
  description text NOT NULL DEFAULT '',
  type text NOT NULL DEFAULT 'standard',
  status text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'archived')),
  created_by text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now()
);
--> statement-breakpoint
INSERT INTO project (id, name, description, created_by)
VALUES ('00000000-0000-7000-8000-000000000001', 'default', 'The project of calls that name none.', 'system');
--> statement-breakpoint
-- Exactly one place holds the bytes: this row, or the object store.
CREATE TABLE cas_blob (
  cas_id text PRIMARY KEY CHECK (cas_id ~ '^sha256:[0-9a-f]{64}$'),
  media_type text NOT NULL,
  size_bytes bigint NOT NULL CHECK (size_bytes >= 0),
  content bytea,
  storage_url text,
  created_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT cas_blob_one_place CHECK ((content IS NULL) <> (storage_url IS NULL)),
  CONSTRAINT cas_blob_size CHECK (content IS NULL OR octet_length(content) = size_bytes)
);
--> statement-breakpoint
ALTER TABLE cas_blob ALTER COLUMN content SET STORAGE EXTERNAL;
--> statement-breakpoint
-- Blobs are stored once, but readable only through a grant.
CREATE TABLE blob_grant (
  project_id uuid NOT NULL REFERENCES project (id),
  cas_id text NOT NULL REFERENCES cas_blob (cas_id),
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (project_id, cas_id)
);
--> statement-breakpoint
-- A workflow is a family of tags that share the first path segment of their names.
CREATE TABLE workflow (
  id uuid PRIMARY KEY,
  project_id uuid NOT NULL REFERENCES project (id),
  name text NOT NULL,
  description text NOT NULL DEFAULT '',
  created_by text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (project_id, name)
);
--> statement-breakpoint
CREATE TABLE artifact (
  id uuid PRIMARY KEY,
  project_id uuid NOT NULL REFERENCES project (id),
  kind text NOT NULL CHECK (kind IN ('dag_version', 'patch_set', 'run_manifest', 'run_snapshot')),
  cas_id text NOT NULL REFERENCES cas_blob (cas_id),
  -- Hash of the materialised definition; only versions have one.
  version_hash text CHECK (version_hash ~ '^sha256:[0-9a-f]{64}$'),
  -- Hash over (base, ordered patches, materialiser version): the key of the materialisation cache.
  plan_hash text CHECK (plan_hash ~ '^sha256:[0-9a-f]{64}$'),
  base_version uuid,
  depth integer NOT NULL DEFAULT 0 CHECK (depth >= 0),
  op_count integer NOT NULL DEFAULT 0 CHECK (op_count >= 0),
  nodes_count integer,
  edges_count integer,
  parents uuid[] NOT NULL DEFAULT '{}' CHECK (cardinality(parents) <= 2),
  compacted_from_id uuid REFERENCES artifact (id),
  message text CHECK (length(message) <= 500),
  created_by text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  -- NULL for a version without patches, so that the foreign key below binds patch sets only.
  chain_length integer GENERATED ALWAYS AS (nullif(depth, 0)) STORED,
  UNIQUE (project_id, id, kind),
  UNIQUE (id, kind),
  CONSTRAINT artifact_version_has_hash CHECK ((kind IN ('dag_version', 'patch_set')) = (version_hash IS NOT NULL)),
  CONSTRAINT artifact_patch_on_base CHECK ((kind = 'patch_set') = (base_version IS NOT NULL)),
  CONSTRAINT artifact_patch_depth CHECK ((kind = 'patch_set') = (depth > 0)),
  CONSTRAINT artifact_plan_hash CHECK (kind NOT IN ('patch_set', 'run_snapshot') OR plan_hash IS NOT NULL)
);
--> statement-breakpoint
CREATE INDEX artifact_version_hash ON artifact (project_id, version_hash, created_at, id) WHERE version_hash IS NOT NULL;
--> statement-breakpoint
CREATE INDEX artifact_hash ON artifact (version_hash) WHERE version_hash IS NOT NULL;
--> statement-breakpoint
CREATE INDEX artifact_cas ON artifact (cas_id);
--> statement-breakpoint
ALTER TABLE artifact ADD COLUMN base_kind text GENERATED ALWAYS AS (CASE WHEN base_version IS NULL THEN NULL ELSE 'dag_version' END) STORED;
--> statement-breakpoint
ALTER TABLE artifact ADD CONSTRAINT artifact_base FOREIGN KEY (project_id, base_version, base_kind) REFERENCES artifact (project_id, id, kind);
--> statement-breakpoint
-- The chain of a patch set: members 1..depth, the last one being the patch set itself.
CREATE TABLE patch_chain_member (
  head_id uuid NOT NULL,
  head_kind text NOT NULL DEFAULT 'patch_set' CHECK (head_kind = 'patch_set'),
  seq integer NOT NULL CHECK (seq >= 1),
  member_id uuid NOT NULL,
  previous_seq integer GENERATED ALWAYS AS (nullif(seq - 1, 0)) STORED,
  -- The first member answers for the head's existence; the others lead to it by previous_seq.
  first_of uuid GENERATED ALWAYS AS (CASE WHEN seq = 1 THEN head_id END) STORED,
  PRIMARY KEY (head_id, seq),
  UNIQUE (head_id, member_id),
  UNIQUE (head_id, seq, member_id),
  FOREIGN KEY (first_of, head_kind) REFERENCES artifact (id, kind) DEFERRABLE INITIALLY DEFERRED,
  FOREIGN KEY (member_id, head_kind) REFERENCES artifact (id, kind) DEFERRABLE INITIALLY DEFERRED,
  -- No gap: every member but the first needs the one before it.
  FOREIGN KEY (head_id, previous_seq) REFERENCES patch_chain_member (head_id, seq) DEFERRABLE INITIALLY DEFERRED
);
--> statement-breakpoint
ALTER TABLE artifact ADD CONSTRAINT artifact_chain_ends_in_head
  FOREIGN KEY (id, chain_length, id) REFERENCES patch_chain_member (head_id, seq, member_id) DEFERRABLE INITIALLY DEFERRED;
--> statement-breakpoint
CREATE TABLE materialisation (
  plan_hash text PRIMARY KEY CHECK (plan_hash ~ '^sha256:[0-9a-f]{64}$'),
  cas_id text NOT NULL REFERENCES cas_blob (cas_id),
  created_at timestamptz NOT NULL DEFAULT now()
);
--> statement-breakpoint
CREATE TABLE tag (
  project_id uuid NOT NULL REFERENCES project (id),
  name text NOT NULL CHECK (
    length(name) <= 200
    AND name ~ '^[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)*$'
    AND name !~* '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$'
  ),
  workflow_name text GENERATED ALWAYS AS (split_part(name, '/', 1)) STORED,
  target_kind text NOT NULL CHECK (target_kind IN ('dag_version', 'patch_set')),
  target_id uuid NOT NULL,
  version integer NOT NULL CHECK (version >= 1),
  -- The create or move entry whose target the tag has now; undo and redo walk it along tag_move.parent_seq.
  cursor_seq integer NOT NULL,
  protected boolean NOT NULL DEFAULT false,
  moved_by text NOT NULL,
  moved_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (project_id, name),
  FOREIGN KEY (project_id, workflow_name) REFERENCES workflow (project_id, name),
  FOREIGN KEY (project_id, target_id, target_kind) REFERENCES artifact (project_id, id, kind)
);
--> statement-breakpoint
CREATE INDEX tag_target ON tag (target_id);
--> statement-breakpoint
CREATE INDEX tag_family ON tag (project_id, workflow_name, name);
--> statement-breakpoint
CREATE TABLE tag_move (
  project_id uuid NOT NULL REFERENCES project (id),
  tag_name text NOT NULL,
  seq integer NOT NULL CHECK (seq >= 1),
  type text NOT NULL CHECK (type IN ('create', 'move', 'undo', 'redo', 'delete')),
  from_id uuid REFERENCES artifact (id),
  to_id uuid REFERENCES artifact (id),
  -- A version is used once, for ever, also over deletion and re-creation.
  version integer NOT NULL CHECK (version >= 1),
  -- The position before this entry; NULL where a life of the tag begins.
  parent_seq integer,
  reverses_seq integer,
  moved_by text NOT NULL,
  moved_at timestamptz NOT NULL DEFAULT now(),
  reason text,
  previous_seq integer GENERATED ALWAYS AS (nullif(seq - 1, 0)) STORED,
  PRIMARY KEY (project_id, tag_name, seq),
  UNIQUE (project_id, tag_name, version),
  FOREIGN KEY (project_id, tag_name, previous_seq) REFERENCES tag_move (project_id, tag_name, seq),
  FOREIGN KEY (project_id, tag_name, parent_seq) REFERENCES tag_move (project_id, tag_name, seq),
  FOREIGN KEY (project_id, tag_name, reverses_seq) REFERENCES tag_move (project_id, tag_name, seq),
  CONSTRAINT tag_move_shape CHECK (
    (type = 'create' AND from_id IS NULL AND to_id IS NOT NULL AND parent_seq IS NULL AND reverses_seq IS NULL)
    OR (type = 'move' AND from_id IS NOT NULL AND to_id IS NOT NULL AND parent_seq IS NOT NULL AND reverses_seq IS NULL)
    OR (type IN ('undo', 'redo') AND from_id IS NOT NULL AND to_id IS NOT NULL AND reverses_seq IS NOT NULL)
    OR (type = 'delete' AND from_id IS NOT NULL AND to_id IS NULL AND reverses_seq IS NULL)
  )
);
--> statement-breakpoint
CREATE INDEX tag_move_to ON tag_move (to_id);
--> statement-breakpoint
CREATE INDEX tag_move_children ON tag_move (project_id, tag_name, parent_seq, seq);
--> statement-breakpoint
CREATE TABLE idempotency_key (
  project_id uuid NOT NULL REFERENCES project (id),
  principal text NOT NULL,
  key text NOT NULL CHECK (length(key) BETWEEN 1 AND 255),
  request_hash text NOT NULL,
  -- NULL while the first request is in flight.
  status integer,
  headers json,
  body bytea,
  locked_until timestamptz NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (project_id, principal, key)
);
--> statement-breakpoint
CREATE INDEX idempotency_key_age ON idempotency_key (created_at);
