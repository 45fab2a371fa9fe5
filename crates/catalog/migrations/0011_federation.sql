-- Federation: event data stores whose tables are published as Apache Iceberg, and what is published of them. Columns
-- named `store` have the store's UUID. No row: the store is not federated.
CREATE TABLE federations (
    store    TEXT PRIMARY KEY,
    account  TEXT NOT NULL,
    status   TEXT NOT NULL,
    role_arn TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- A published table. `version` numbers its metadata files and `sequence` its snapshots; neither ever goes back, also when
-- federation is switched off and on again. `metadata` is the name of the metadata file in force.
CREATE TABLE iceberg_tables (
    store           TEXT PRIMARY KEY,
    version         INTEGER NOT NULL,
    sequence        INTEGER NOT NULL,
    metadata        TEXT,
    published_at_us INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The snapshots that the metadata names; the last one is the table.
CREATE TABLE iceberg_snapshots (
    store    TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    id       INTEGER NOT NULL,
    parent   INTEGER,
    at_ms    INTEGER NOT NULL,
    summary  TEXT NOT NULL,
    list     TEXT NOT NULL,
    PRIMARY KEY (store, sequence)
) STRICT, WITHOUT ROWID;

-- The manifests of the last snapshot.
CREATE TABLE iceberg_manifests (
    store    TEXT NOT NULL,
    name     TEXT NOT NULL,
    bytes    INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    snapshot INTEGER NOT NULL,
    content  TEXT NOT NULL,
    PRIMARY KEY (store, name)
) STRICT, WITHOUT ROWID;

-- The data files of the last snapshot, with the manifest that lists each, and its record there.
CREATE TABLE iceberg_files (
    id       INTEGER PRIMARY KEY,
    store    TEXT NOT NULL,
    path     TEXT NOT NULL,
    manifest TEXT NOT NULL,
    snapshot INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    day      INTEGER NOT NULL,
    rows     INTEGER NOT NULL,
    bytes    INTEGER NOT NULL,
    entry    BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX iceberg_files_path ON iceberg_files (store, path);
CREATE INDEX iceberg_files_manifest ON iceberg_files (store, manifest);

-- Files in a table's metadata folder that are named by nothing in force, and from when on they may be removed.
CREATE TABLE iceberg_leftovers (
    store    TEXT NOT NULL,
    name     TEXT NOT NULL,
    until_us INTEGER NOT NULL,
    PRIMARY KEY (store, name)
) STRICT, WITHOUT ROWID;
