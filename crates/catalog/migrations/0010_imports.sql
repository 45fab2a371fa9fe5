-- Imports: trail events copied from a bucket into an event data store. What is before `last_key` is in, or among the
-- failures; `open_prefixes` are the folders that may hold more, as a JSON array. `listed` says that the bucket has no
-- further key. `position` is where in the journal what is in ends.
CREATE TABLE imports (
    id                 TEXT PRIMARY KEY,
    account            TEXT NOT NULL,
    region             TEXT NOT NULL,
    store              TEXT NOT NULL,
    source_uri         TEXT NOT NULL,
    source_region      TEXT NOT NULL,
    source_role        TEXT NOT NULL,
    start_us           INTEGER,
    end_us             INTEGER,
    principal          TEXT NOT NULL,
    elsewhere          INTEGER NOT NULL,
    status             TEXT NOT NULL,
    created_at_us      INTEGER NOT NULL,
    updated_at_us      INTEGER NOT NULL,
    last_key           TEXT,
    open_prefixes      TEXT NOT NULL,
    listed             INTEGER NOT NULL,
    position           INTEGER NOT NULL,
    prefixes_found     INTEGER NOT NULL,
    prefixes_completed INTEGER NOT NULL,
    files_completed    INTEGER NOT NULL,
    events_completed   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
-- One import at a time for each account.
CREATE UNIQUE INDEX imports_ongoing ON imports (account) WHERE status IN ('INITIALIZING', 'IN_PROGRESS');
CREATE INDEX imports_of_account ON imports (account, region, created_at_us, id);

-- Files that failed, also those that came in later. The empty key stands for the source itself. `events` are those that
-- came in although the file has a fault.
CREATE TABLE import_failures (
    place         INTEGER PRIMARY KEY,
    import        TEXT NOT NULL REFERENCES imports (id) ON DELETE CASCADE,
    key           TEXT NOT NULL,
    status        TEXT NOT NULL,
    error_type    TEXT NOT NULL,
    error_message TEXT NOT NULL,
    events        INTEGER NOT NULL,
    updated_at_us INTEGER NOT NULL,
    UNIQUE (import, key)
) STRICT;
CREATE INDEX import_failures_status ON import_failures (import, status, place);
CREATE INDEX import_failures_import ON import_failures (import, place);
