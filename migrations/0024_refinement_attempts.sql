-- Which attempt a frame is of: an engine that is asked again says everything again.
ALTER TABLE proposal ADD COLUMN attempt integer NOT NULL DEFAULT 0;
--> statement-breakpoint
ALTER TABLE proposal_frame ADD COLUMN attempt integer NOT NULL DEFAULT 1;
--> statement-breakpoint
-- What is over has an end: those that were decided on while they were worked out had none, and whoever followed them waited.
INSERT INTO proposal_frame (proposal_id, seq, type, time, data)
SELECT id, last_frame_seq + 1, 'end', coalesce(resolved_at, completed_at, now()), json_build_object('status', status)
FROM proposal p
WHERE status <> 'processing' AND NOT EXISTS (SELECT FROM proposal_frame f WHERE f.proposal_id = p.id AND f.type = 'end');
--> statement-breakpoint
UPDATE proposal p SET last_frame_seq = f.seq
FROM proposal_frame f WHERE f.proposal_id = p.id AND f.type = 'end' AND f.seq > p.last_frame_seq;
--> statement-breakpoint
UPDATE proposal SET attempt = 1 WHERE last_frame_seq > 0;
--> statement-breakpoint
-- Garbage collection asks which versions open proposals stand on.
CREATE INDEX proposal_base ON proposal (base_id) WHERE status IN ('processing', 'completed');
--> statement-breakpoint
-- Retention asks which proposals were over long ago.
CREATE INDEX proposal_over ON proposal ((coalesce(resolved_at, completed_at))) WHERE status NOT IN ('processing', 'completed');
