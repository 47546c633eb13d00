-- What projects keep secret. Values are sealed before they get here; a version never changes but for its seal.
CREATE TABLE project_secret (
  project_id uuid NOT NULL REFERENCES project (id),
  name text COLLATE "C" NOT NULL CHECK (name ~ '^[A-Za-z_][A-Za-z0-9_.-]{0,127}$'),
  version integer NOT NULL CHECK (version >= 1),
  sealed text,
  -- Which key it was sealed with, so that what is sealed with another one is found.
  key_id text GENERATED ALWAYS AS (split_part(left(sealed, 100), '.', 2)) STORED,
  created_by text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  deleted_by text,
  deleted_at timestamptz,
  PRIMARY KEY (project_id, name, version),
  CHECK ((sealed IS NULL) = (deleted_at IS NOT NULL)),
  CHECK ((deleted_by IS NULL) = (deleted_at IS NULL))
);
--> statement-breakpoint
CREATE INDEX project_secret_key ON project_secret (key_id) WHERE sealed IS NOT NULL;
