-- A workflow task that Temporal has done again tells its part of the journal again, on a longer history.
ALTER TABLE run ADD COLUMN journal_history integer NOT NULL DEFAULT 0;
--> statement-breakpoint
-- The last flush of a telling that was given up: up to here, what comes may have been written.
ALTER TABLE run ADD COLUMN journal_retold integer NOT NULL DEFAULT 0;
