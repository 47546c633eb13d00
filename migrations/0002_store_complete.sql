-- Media types per project, object storage, garbage collection, rules and approvals of tags, forced moves.
ALTER TABLE blob_grant ADD COLUMN media_type text;
--> statement-breakpoint
UPDATE blob_grant g SET media_type = b.media_type FROM cas_blob b WHERE b.cas_id = g.cas_id;
--> statement-breakpoint
-- Two projects may hold the same bytes under different names of their kind.
ALTER TABLE blob_grant ALTER COLUMN media_type SET NOT NULL;
--> statement-breakpoint
ALTER TABLE cas_blob DROP COLUMN media_type;
--> statement-breakpoint
-- unreachable_since: when garbage collection first found nothing that leads here; storing the blob again clears it.
-- collected_at: the bytes are gone, the name stays, so that a reader is told what happened.
ALTER TABLE cas_blob ADD COLUMN unreachable_since timestamptz, ADD COLUMN collected_at timestamptz;
--> statement-breakpoint
ALTER TABLE cas_blob DROP CONSTRAINT cas_blob_one_place;
--> statement-breakpoint
ALTER TABLE cas_blob ADD CONSTRAINT cas_blob_one_place CHECK (num_nonnulls(content, storage_url, collected_at) = 1);
--> statement-breakpoint
CREATE UNIQUE INDEX cas_blob_storage_url ON cas_blob (storage_url) WHERE storage_url IS NOT NULL;
--> statement-breakpoint
CREATE INDEX cas_blob_unreachable ON cas_blob (unreachable_since) WHERE unreachable_since IS NOT NULL;
--> statement-breakpoint
-- The object store inside PostgreSQL: an object in pieces, so that neither side ever holds all of it.
CREATE TABLE object_chunk (
  object_key text NOT NULL,
  seq integer NOT NULL CHECK (seq >= 0),
  bytes bytea NOT NULL,
  PRIMARY KEY (object_key, seq)
);
--> statement-breakpoint
ALTER TABLE object_chunk ALTER COLUMN bytes SET STORAGE EXTERNAL;
--> statement-breakpoint
-- Objects no blob names any more, or never came to: written before the object, cleared when a blob names it.
CREATE TABLE object_garbage (
  storage_url text PRIMARY KEY,
  queued_at timestamptz NOT NULL DEFAULT now()
);
--> statement-breakpoint
ALTER TABLE artifact ADD COLUMN unreachable_since timestamptz, ADD COLUMN live boolean NOT NULL DEFAULT true;
--> statement-breakpoint
CREATE INDEX artifact_unreachable ON artifact (unreachable_since) WHERE unreachable_since IS NOT NULL;
--> statement-breakpoint
ALTER TABLE artifact ADD CONSTRAINT artifact_live UNIQUE (project_id, id, kind, live);
--> statement-breakpoint
-- A tag can only point at a live artifact: whichever of move and collection comes second is refused by this key.
ALTER TABLE tag ADD COLUMN target_live boolean NOT NULL DEFAULT true CHECK (target_live);
--> statement-breakpoint
ALTER TABLE tag DROP CONSTRAINT tag_project_id_target_id_target_kind_fkey;
--> statement-breakpoint
ALTER TABLE tag ADD CONSTRAINT tag_target_live
  FOREIGN KEY (project_id, target_id, target_kind, target_live) REFERENCES artifact (project_id, id, kind, live);
--> statement-breakpoint
-- What protects the tags whose names match a pattern; a tag's own flag protects it as well.
CREATE TABLE tag_rule (
  id uuid PRIMARY KEY,
  project_id uuid NOT NULL REFERENCES project (id),
  pattern text NOT NULL CHECK (length(pattern) BETWEEN 1 AND 200),
  role text NOT NULL CHECK (role IN ('owner', 'maintainer', 'operator', 'editor')),
  approvals integer NOT NULL DEFAULT 0 CHECK (approvals BETWEEN 0 AND 10),
  created_by text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (project_id, pattern)
);
--> statement-breakpoint
-- An approval is good for one change: this target, on this version of the tag (0 before there is one).
CREATE TABLE tag_approval (
  project_id uuid NOT NULL REFERENCES project (id),
  tag_name text NOT NULL,
  tag_version integer NOT NULL CHECK (tag_version >= 0),
  target_id uuid NOT NULL,
  approved_by text NOT NULL,
  comment text CHECK (length(comment) <= 500),
  approved_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (project_id, tag_name, tag_version, target_id, approved_by)
);
--> statement-breakpoint
ALTER TABLE tag_move ADD COLUMN break_glass boolean NOT NULL DEFAULT false;
--> statement-breakpoint
ALTER TABLE tag_move ADD CONSTRAINT tag_move_break_glass_reason CHECK (NOT break_glass OR length(reason) > 0);
--> statement-breakpoint
CREATE INDEX tag_move_time ON tag_move (project_id, tag_name, moved_at DESC, seq DESC);
