-- Where each follower of the journal stands: the first position it has not durably handled.
CREATE TABLE cursors (
    name     TEXT PRIMARY KEY,
    position INTEGER NOT NULL
) STRICT;

-- Small facts about the installation: its id, secrets for tokens, the demo's state.
CREATE TABLE meta (
    name  TEXT PRIMARY KEY,
    value BLOB NOT NULL
) STRICT;
