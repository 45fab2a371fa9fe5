-- Event data stores. The number is how journal entries name a store; it is never given out again. `ingests` is whether
-- live events are wanted, also while the store is being made, started, stopped or pending deletion.
CREATE TABLE event_data_stores (
    number        INTEGER PRIMARY KEY AUTOINCREMENT,
    id            TEXT NOT NULL UNIQUE,
    arn           TEXT NOT NULL UNIQUE,
    account       TEXT NOT NULL,
    home_region   TEXT NOT NULL,
    name          TEXT NOT NULL,
    status        TEXT NOT NULL,
    ingests       INTEGER NOT NULL,
    is_default    INTEGER NOT NULL,
    settings      TEXT NOT NULL,
    configuration TEXT NOT NULL,
    created_at_us INTEGER NOT NULL,
    updated_at_us INTEGER NOT NULL,
    purge_at_us   INTEGER,
    UNIQUE (account, home_region, name)
) STRICT;

-- Which live events a store takes and took. A rule applies from its position in the journal on; without one it does not
-- apply yet.
CREATE TABLE event_data_store_rules (
    store    INTEGER NOT NULL REFERENCES event_data_stores (number) ON DELETE CASCADE,
    version  INTEGER NOT NULL,
    position INTEGER,
    rule     TEXT NOT NULL,
    PRIMARY KEY (store, version)
) STRICT, WITHOUT ROWID;

CREATE TABLE event_data_store_tags (
    store INTEGER NOT NULL REFERENCES event_data_stores (number) ON DELETE CASCADE,
    place INTEGER NOT NULL,
    key   TEXT NOT NULL,
    value TEXT,
    PRIMARY KEY (store, place),
    UNIQUE (store, key)
) STRICT, WITHOUT ROWID;
