-- Who people are elsewhere: the subject of an OpenID issuer, and the user of ours that it is.
CREATE TABLE user_identity (
  id uuid PRIMARY KEY,
  issuer text COLLATE "C" NOT NULL CHECK (length(issuer) BETWEEN 1 AND 2000),
  subject text COLLATE "C" NOT NULL CHECK (length(subject) BETWEEN 1 AND 255),
  user_id uuid NOT NULL REFERENCES app_user (id) ON DELETE CASCADE,
  created_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (issuer, subject),
  -- Whoever gets somebody's old address at the issuer is not that somebody.
  UNIQUE (user_id, issuer)
);
