-- Trails. A deleted one stays until everything it logged is delivered; its name is free at once.
CREATE TABLE trails (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    arn             TEXT NOT NULL,
    account         TEXT NOT NULL,
    home_region     TEXT NOT NULL,
    name            TEXT NOT NULL,
    version         INTEGER NOT NULL,
    created_at_us   INTEGER NOT NULL,
    updated_at_us   INTEGER NOT NULL,
    logging         INTEGER NOT NULL,
    start_logging_s INTEGER,
    stop_logging_s  INTEGER,
    deleted         INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX trails_arn ON trails (arn) WHERE deleted = 0;
CREATE UNIQUE INDEX trails_name ON trails (account, home_region, name) WHERE deleted = 0;

-- What a trail is and was set to. A run uses one version until it has come to the position from which the next applies;
-- without a position the next one does not apply yet.
CREATE TABLE trail_versions (
    trail     INTEGER NOT NULL REFERENCES trails (id) ON DELETE CASCADE,
    version   INTEGER NOT NULL,
    settings  TEXT NOT NULL,
    selectors TEXT NOT NULL,
    position  INTEGER,
    PRIMARY KEY (trail, version)
) STRICT, WITHOUT ROWID;

CREATE TABLE trail_tags (
    trail INTEGER NOT NULL REFERENCES trails (id) ON DELETE CASCADE,
    place INTEGER NOT NULL,
    key   TEXT NOT NULL,
    value TEXT,
    PRIMARY KEY (trail, place),
    UNIQUE (trail, key)
) STRICT, WITHOUT ROWID;

-- How deliveries fare, by Region.
CREATE TABLE trail_status (
    trail                      INTEGER NOT NULL REFERENCES trails (id) ON DELETE CASCADE,
    region                     TEXT NOT NULL,
    latest_delivery_s          INTEGER,
    latest_delivery_error      TEXT,
    latest_delivery_attempt_s  INTEGER,
    latest_digest_delivery_s   INTEGER,
    latest_digest_delivery_error TEXT,
    PRIMARY KEY (trail, region)
) STRICT, WITHOUT ROWID;

-- Runs: from a StartLogging to the StopLogging or DeleteTrail that ends it. Each has a cursor of its own. `clock_s` is
-- the latest second a cut or the end of an interval bears; none that comes after bears an earlier one.
CREATE TABLE trail_runs (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    trail         INTEGER NOT NULL REFERENCES trails (id) ON DELETE CASCADE,
    version       INTEGER NOT NULL,
    start_s       INTEGER NOT NULL,
    stop_s        INTEGER,
    stop_position INTEGER,
    activation_s  INTEGER,
    clock_s       INTEGER NOT NULL
) STRICT;
CREATE INDEX trail_runs_trail ON trail_runs (trail);

-- Digest chains, one for each account and Region of a run. `closed_s` is where the last closed interval ends, `link` what
-- the next digest says of the last sealed one.
CREATE TABLE chains (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    trail    INTEGER NOT NULL REFERENCES trails (id) ON DELETE CASCADE,
    run      INTEGER NOT NULL,
    account  TEXT NOT NULL,
    region   TEXT NOT NULL,
    closed_s INTEGER NOT NULL,
    link     TEXT,
    ended    INTEGER NOT NULL
) STRICT;
CREATE INDEX chains_trail ON chains (trail);
CREATE UNIQUE INDEX chains_open ON chains (run, account, region) WHERE ended = 0;

-- Digests from the closing of their interval to their delivery. Sealed ones have their final bytes, and are journaled
-- before they are delivered.
CREATE TABLE digests (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    chain     INTEGER NOT NULL REFERENCES chains (id) ON DELETE CASCADE,
    start_s   INTEGER NOT NULL,
    end_s     INTEGER NOT NULL,
    bucket    TEXT,
    key       TEXT,
    body      BLOB,
    signature TEXT,
    journaled INTEGER NOT NULL
) STRICT;
CREATE INDEX digests_chain ON digests (chain, id);

-- Log files from their cut to the delivery of the digest that lists them. `spool` is the name of the file on disk while
-- it waits for its bucket.
CREATE TABLE files (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    trail     INTEGER NOT NULL REFERENCES trails (id) ON DELETE CASCADE,
    chain     INTEGER REFERENCES chains (id) ON DELETE CASCADE,
    digest    INTEGER REFERENCES digests (id) ON DELETE CASCADE,
    account   TEXT NOT NULL,
    region    TEXT NOT NULL,
    bucket    TEXT NOT NULL,
    key       TEXT NOT NULL,
    spool     TEXT UNIQUE,
    bytes     INTEGER NOT NULL,
    sha256    BLOB NOT NULL,
    events    INTEGER NOT NULL,
    newest_s  INTEGER NOT NULL,
    oldest_s  INTEGER NOT NULL,
    cut_at_s  INTEGER NOT NULL
) STRICT;
CREATE INDEX files_spooled ON files (trail, bucket, account, region, id) WHERE spool IS NOT NULL;
CREATE INDEX files_chain ON files (chain, digest);
CREATE INDEX files_digest ON files (digest);

-- Where the last digest of a trail ended, kept when the trail is gone: no digest of a later one may bear its name.
CREATE TABLE digest_ends (
    arn   TEXT PRIMARY KEY,
    end_s INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The public halves of the keys that sign digests. They are never removed.
CREATE TABLE keys (
    fingerprint   TEXT PRIMARY KEY,
    region        TEXT NOT NULL,
    public_der    BLOB NOT NULL,
    valid_from_s  INTEGER NOT NULL,
    valid_until_s INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX keys_region ON keys (region, valid_from_s);
