-- Results of queries that are too small for a file of their own; in the form that files have.
CREATE TABLE query_results (
    query   INTEGER PRIMARY KEY REFERENCES queries (number) ON DELETE CASCADE,
    results BLOB NOT NULL
) STRICT;
