-- What analysers found, by what they looked at: looking again would find the same.
CREATE TABLE analysis_result (
  key text PRIMARY KEY,
  result json NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now()
);
--> statement-breakpoint
CREATE INDEX analysis_result_age ON analysis_result (created_at);
--> statement-breakpoint
-- What an analysis came to, for the trend of the next one of the same thing.
CREATE TABLE analysis_report (
  run_id uuid PRIMARY KEY REFERENCES run (id) ON DELETE CASCADE,
  project_id uuid NOT NULL,
  subject text NOT NULL,
  revision text NOT NULL,
  score double precision NOT NULL,
  findings_ref text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now()
);
--> statement-breakpoint
CREATE INDEX analysis_report_subject ON analysis_report (project_id, subject, created_at DESC);
