-- Channels: integrations, and service-linked ones, which have a configuration that their service sets.
CREATE TABLE channels (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    arn           TEXT NOT NULL UNIQUE,
    account       TEXT NOT NULL,
    region        TEXT NOT NULL,
    name          TEXT NOT NULL,
    source        TEXT NOT NULL,
    source_config TEXT,
    created_at_us INTEGER NOT NULL,
    updated_at_us INTEGER NOT NULL,
    UNIQUE (account, region, name)
) STRICT;

CREATE TABLE channel_destinations (
    channel  INTEGER NOT NULL REFERENCES channels (id) ON DELETE CASCADE,
    place    INTEGER NOT NULL,
    type     TEXT NOT NULL CHECK (type IN ('EVENT_DATA_STORE', 'AWS_SERVICE')),
    location TEXT NOT NULL,
    PRIMARY KEY (channel, place),
    UNIQUE (channel, location)
) STRICT, WITHOUT ROWID;
CREATE INDEX channel_destinations_location ON channel_destinations (location);

CREATE TABLE channel_tags (
    channel INTEGER NOT NULL REFERENCES channels (id) ON DELETE CASCADE,
    place   INTEGER NOT NULL,
    key     TEXT NOT NULL,
    value   TEXT,
    PRIMARY KEY (channel, place),
    UNIQUE (channel, key)
) STRICT, WITHOUT ROWID;

-- How putting events into a channel fares, as GetChannel shows it.
CREATE TABLE channel_ingestion (
    channel          INTEGER PRIMARY KEY REFERENCES channels (id) ON DELETE CASCADE,
    attempt_s        INTEGER NOT NULL,
    attempt_event_id TEXT,
    success_s        INTEGER,
    success_event_id TEXT,
    error_code       TEXT
) STRICT;

-- Policies attached to channels and event data stores, as they were given.
CREATE TABLE resource_policies (
    arn           TEXT PRIMARY KEY,
    policy        TEXT NOT NULL,
    updated_at_us INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
