-- Temporary credentials that a proxy saw being given out: who whoever uses them is. All but the keys of the table is in
-- `session`, as JSON.
CREATE TABLE sessions (
    access_key_id TEXT PRIMARY KEY,
    session       TEXT NOT NULL,
    expires_at_s  INTEGER NOT NULL
) STRICT;

CREATE INDEX sessions_by_expiry ON sessions (expires_at_s);
