-- Bearer tokens. Only a hash is kept: a token is shown once, when it is made.
CREATE TABLE tokens (
    id            TEXT PRIMARY KEY,
    sha256        BLOB NOT NULL UNIQUE,
    kind          TEXT NOT NULL CHECK (kind IN ('ingest', 'read', 'metrics')),
    account       TEXT NOT NULL,
    adopt         INTEGER NOT NULL,
    created_at_us INTEGER NOT NULL
) STRICT;

-- Records of calls that changed something, committed with the change, on their way into the journal.
CREATE TABLE outbox (
    id     INTEGER PRIMARY KEY AUTOINCREMENT,
    record BLOB NOT NULL
) STRICT;
