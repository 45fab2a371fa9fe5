-- Local buckets: who owns them and where they are said to be.
CREATE TABLE buckets (
    name          TEXT PRIMARY KEY,
    account       TEXT NOT NULL,
    region        TEXT NOT NULL,
    created_at_us INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX buckets_account ON buckets (account, name);

-- What was set on a bucket: its policy, tags and the like, each a document of its own.
CREATE TABLE bucket_settings (
    bucket TEXT NOT NULL REFERENCES buckets (name) ON DELETE CASCADE,
    name   TEXT NOT NULL,
    value  TEXT NOT NULL,
    PRIMARY KEY (bucket, name)
) STRICT, WITHOUT ROWID;

-- Where trails deliver or have delivered. The rows outlive the trail and the bucket: what is below stays locked.
CREATE TABLE protected_prefixes (
    bucket TEXT NOT NULL,
    prefix TEXT NOT NULL,
    PRIMARY KEY (bucket, prefix)
) STRICT, WITHOUT ROWID;

-- The key index. Keys are the bytes of UTF-8, so that they sort as S3 sorts them; the bytes of the object are in the
-- file with this number.
CREATE TABLE objects (
    bucket         TEXT NOT NULL REFERENCES buckets (name),
    key            BLOB NOT NULL,
    file           INTEGER NOT NULL UNIQUE,
    size           INTEGER NOT NULL,
    etag           TEXT NOT NULL,
    modified_at_us INTEGER NOT NULL,
    attributes     TEXT NOT NULL,
    PRIMARY KEY (bucket, key)
) STRICT, WITHOUT ROWID;

-- Multipart uploads under way, and their parts.
CREATE TABLE uploads (
    id            TEXT PRIMARY KEY,
    bucket        TEXT NOT NULL REFERENCES buckets (name),
    key           BLOB NOT NULL,
    account       TEXT NOT NULL,
    created_at_us INTEGER NOT NULL,
    attributes    TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX uploads_key ON uploads (bucket, key, id);

CREATE TABLE parts (
    upload         TEXT NOT NULL REFERENCES uploads (id) ON DELETE CASCADE,
    number         INTEGER NOT NULL,
    file           INTEGER NOT NULL UNIQUE,
    size           INTEGER NOT NULL,
    etag           TEXT NOT NULL,
    modified_at_us INTEGER NOT NULL,
    checksum       TEXT,
    PRIMARY KEY (upload, number)
) STRICT, WITHOUT ROWID;
