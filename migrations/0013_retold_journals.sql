-- A workflow task that Temporal has done again tells its part of the journal again, on a longer history.
ALTER TABLE run ADD COLUMN journal_history integer NOT NULL DEFAULT 0;
--> statement-breakpoint
-- The last flush of a telling that was given up; 0 when there was none. What was told in it may come again.
ALTER TABLE run ADD COLUMN journal_retold integer NOT NULL DEFAULT 0;
