-- The segment files of event history that count. A file that is not named here is a leftover.
CREATE TABLE history_segments (
    id             INTEGER PRIMARY KEY,
    file           TEXT NOT NULL UNIQUE,
    family         TEXT NOT NULL CHECK (family IN ('live', 'imported')),
    records        INTEGER NOT NULL,
    bytes          INTEGER NOT NULL,
    newest_s       INTEGER NOT NULL,
    oldest_s       INTEGER NOT NULL,
    first_position INTEGER NOT NULL,
    end_position   INTEGER NOT NULL
) STRICT;
