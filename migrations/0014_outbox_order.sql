-- The outbox is taken oldest first, so that what is taken of a run is the beginning of what it has.
CREATE INDEX outbox_order ON outbox (created_at, id);
--> statement-breakpoint
DROP INDEX outbox_due;
