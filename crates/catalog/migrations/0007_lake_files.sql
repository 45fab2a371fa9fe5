-- The data files of event data stores that count. A file that is not named here is a leftover.
CREATE TABLE lake_files (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    store          TEXT NOT NULL,
    path           TEXT NOT NULL,
    day            INTEGER NOT NULL,
    merged         INTEGER NOT NULL,
    rows           INTEGER NOT NULL,
    bytes          INTEGER NOT NULL,
    oldest_us      INTEGER NOT NULL,
    newest_us      INTEGER NOT NULL,
    first_position INTEGER NOT NULL,
    end_position   INTEGER NOT NULL,
    format         INTEGER NOT NULL,
    checksums      BLOB NOT NULL,
    UNIQUE (store, path)
) STRICT;
