-- Who did what, when and from where. Every entry is written before its request is answered; a moment later it is sealed: it gets
-- its place in the chain of its scope and the hash that covers it and all before it.
CREATE TABLE audit_entry (
  id uuid PRIMARY KEY,
  -- A project, or the nil UUID for what concerns none. No key: what was done outlives what it was done to.
  scope uuid NOT NULL,
  -- To the millisecond, because that is what is hashed.
  at timestamptz(3) NOT NULL DEFAULT clock_timestamp(),
  principal text NOT NULL CHECK (length(principal) <= 256),
  credential text CHECK (length(credential) <= 128),
  action text NOT NULL CHECK (length(action) <= 256),
  target text NOT NULL CHECK (length(target) <= 512),
  status integer NOT NULL CHECK (status BETWEEN 100 AND 599),
  request_id text NOT NULL CHECK (length(request_id) <= 128),
  address text NOT NULL CHECK (length(address) <= 64),
  user_agent text CHECK (length(user_agent) <= 200),
  body_digest text CHECK (body_digest ~ '^sha256:[0-9a-f]{64}$'),
  replayed boolean NOT NULL,
  seq bigint CHECK (seq >= 1),
  previous_hash text CHECK (previous_hash ~ '^[0-9a-f]{64}$'),
  hash text CHECK (hash ~ '^[0-9a-f]{64}$'),
  CHECK (num_nulls(seq, previous_hash, hash) IN (0, 3))
);
--> statement-breakpoint
-- Whatever else fails, no chain forks.
CREATE UNIQUE INDEX audit_entry_chain ON audit_entry (scope, seq) WHERE seq IS NOT NULL;
--> statement-breakpoint
CREATE INDEX audit_entry_unsealed ON audit_entry (scope, id) WHERE seq IS NULL;
--> statement-breakpoint
CREATE INDEX audit_entry_list ON audit_entry (scope, at DESC, id DESC);
--> statement-breakpoint
CREATE INDEX audit_entry_principal ON audit_entry (scope, principal, at DESC, id DESC);
--> statement-breakpoint
CREATE FUNCTION audit_entry_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  plain audit_entry;
BEGIN
  IF TG_OP = 'UPDATE' THEN
    plain := NEW;
    plain.seq := NULL;
    plain.previous_hash := NULL;
    plain.hash := NULL;
    -- Sealing, once: all else is as it was, and it was not sealed.
    IF NEW.seq IS NOT NULL AND plain IS NOT DISTINCT FROM OLD THEN
      RETURN NEW;
    END IF;
  END IF;
  RAISE EXCEPTION 'the audit log is append-only' USING ERRCODE = 'insufficient_privilege';
END
$$;
--> statement-breakpoint
CREATE TRIGGER audit_entry_append_only BEFORE UPDATE OR DELETE ON audit_entry
  FOR EACH ROW EXECUTE FUNCTION audit_entry_is_append_only();
--> statement-breakpoint
CREATE TRIGGER audit_entry_no_truncate BEFORE TRUNCATE ON audit_entry
  FOR EACH STATEMENT EXECUTE FUNCTION audit_entry_is_append_only();
