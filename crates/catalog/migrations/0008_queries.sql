-- Queries over event data stores: what was asked, how it went, and where its results are delivered.
CREATE TABLE queries (
    number          INTEGER PRIMARY KEY AUTOINCREMENT,
    id              TEXT NOT NULL UNIQUE,
    owner           TEXT NOT NULL,
    caller          TEXT NOT NULL,
    region          TEXT NOT NULL,
    statement       TEXT NOT NULL,
    alias           TEXT,
    refresh_id      TEXT,
    prompt          TEXT,
    status          TEXT NOT NULL,
    created_at_us   INTEGER NOT NULL,
    started_at_us   INTEGER,
    ended_at_us     INTEGER,
    error           TEXT,
    events_matched  INTEGER NOT NULL DEFAULT 0,
    events_scanned  INTEGER NOT NULL DEFAULT 0,
    bytes_scanned   INTEGER NOT NULL DEFAULT 0,
    result_rows     INTEGER NOT NULL DEFAULT 0,
    has_results     INTEGER NOT NULL DEFAULT 0,
    delivery_uri    TEXT,
    delivery_source TEXT,
    delivery_status TEXT,
    delivery_error  TEXT
) STRICT;

CREATE INDEX queries_open ON queries (caller) WHERE status IN ('QUEUED', 'RUNNING');
CREATE INDEX queries_by_alias ON queries (owner, region, alias, number) WHERE alias IS NOT NULL;
CREATE INDEX queries_by_age ON queries (created_at_us);
CREATE INDEX queries_to_deliver ON queries (number) WHERE delivery_status = 'PENDING';

-- The event data stores that a query reads, in the order of their ids.
CREATE TABLE query_stores (
    query INTEGER NOT NULL REFERENCES queries (number) ON DELETE CASCADE,
    store TEXT NOT NULL,
    PRIMARY KEY (query, store)
) STRICT, WITHOUT ROWID;

CREATE INDEX query_stores_by_store ON query_stores (store, query);

-- Names of statements: StartQuery runs one by its name. Those that GenerateQuery makes are kept for a while.
CREATE TABLE query_aliases (
    owner         TEXT NOT NULL,
    region        TEXT NOT NULL,
    alias         TEXT NOT NULL,
    statement     TEXT NOT NULL,
    prompt        TEXT,
    created_at_us INTEGER NOT NULL,
    expires_at_us INTEGER,
    PRIMARY KEY (owner, region, alias)
) STRICT, WITHOUT ROWID;
