-- A patch names the patch before it, and these links alone are its chain: a list per patch cost as many rows and keys as
-- the chain was long. What the lists said must be what the links say.
DO $$
BEGIN
  IF EXISTS (
    SELECT FROM artifact a LEFT JOIN patch_chain_member m ON m.head_id = a.id AND m.seq = a.depth - 1
    WHERE a.kind = 'patch_set' AND a.parents[1] IS DISTINCT FROM CASE a.depth WHEN 1 THEN a.base_version ELSE m.member_id END
  ) THEN
    RAISE EXCEPTION 'a patch has another parent than its chain says';
  END IF;
END $$;
--> statement-breakpoint
ALTER TABLE artifact DROP CONSTRAINT artifact_chain_ends_in_head;
--> statement-breakpoint
DROP TABLE patch_chain_member;
--> statement-breakpoint
ALTER TABLE artifact
  DROP COLUMN chain_length,
  DROP CONSTRAINT artifact_id_kind_key,
  ADD COLUMN previous_id uuid GENERATED ALWAYS AS (CASE WHEN depth > 1 THEN parents[1] END) STORED,
  ADD COLUMN previous_depth integer GENERATED ALWAYS AS (CASE WHEN depth > 1 THEN depth - 1 END) STORED;
--> statement-breakpoint
ALTER TABLE artifact
  ADD CONSTRAINT artifact_chain_place UNIQUE (id, base_version, depth),
  ADD CONSTRAINT artifact_chain_start CHECK (depth = 0 OR parents[1] IS NOT NULL AND (depth > 1 OR parents[1] = base_version)),
  -- The patch before is one place further down on the same base: by induction no gap, no stranger, no circle.
  ADD CONSTRAINT artifact_chain_link
    FOREIGN KEY (previous_id, base_version, previous_depth) REFERENCES artifact (id, base_version, depth);
--> statement-breakpoint
-- The chain of a patch set: members 1..depth, the last one being the patch set itself.
CREATE VIEW patch_chain_member AS
SELECT head.id AS head_id, member.depth AS seq, member.id AS member_id
FROM artifact head CROSS JOIN LATERAL (
  WITH RECURSIVE chain AS (
    SELECT head.id, head.previous_id, head.depth
    UNION ALL
    SELECT a.id, a.previous_id, a.depth FROM chain c JOIN artifact a ON a.id = c.previous_id
  )
  SELECT id, depth FROM chain
) member
WHERE head.kind = 'patch_set';
--> statement-breakpoint
-- A compaction is the same content under another kind, and a patch set has at most one that was not collected.
ALTER TABLE artifact
  DROP CONSTRAINT artifact_compacted_from_id_fkey,
  ADD CONSTRAINT artifact_content UNIQUE (project_id, id, version_hash),
  ADD CONSTRAINT artifact_compacted_to_version CHECK (compacted_from_id IS NULL OR kind = 'dag_version'),
  ADD CONSTRAINT artifact_compacted_same
    FOREIGN KEY (project_id, compacted_from_id, version_hash) REFERENCES artifact (project_id, id, version_hash);
--> statement-breakpoint
CREATE UNIQUE INDEX artifact_compaction ON artifact (compacted_from_id) WHERE compacted_from_id IS NOT NULL AND live;
--> statement-breakpoint
-- A revert knows what it takes back: a patch that was taken back stands in no other revert's way.
ALTER TABLE artifact
  ADD COLUMN reverts_id uuid CHECK (reverts_id IS NULL OR kind = 'patch_set'),
  ADD CONSTRAINT artifact_reverts_patch FOREIGN KEY (project_id, reverts_id, kind) REFERENCES artifact (project_id, id, kind);
