"""Loads CloudTrail records into a DuckDB table and says on stdout what it took.

Columns are typed as CloudTrail documents them and free-form members kept as JSON: of the ways to load these records it is
the fastest, and the only one that takes records whose members differ in case alone.
"""

import json
import os
import resource
import sys
import time

import duckdb

IDENTITY = """STRUCT(type VARCHAR, principalId VARCHAR, arn VARCHAR, accountId VARCHAR, accessKeyId VARCHAR,
userName VARCHAR, sessionContext JSON, invokedBy VARCHAR, identityProvider VARCHAR)"""
COLUMNS = {
    "eventVersion": "VARCHAR",
    "userIdentity": IDENTITY,
    "eventTime": "TIMESTAMP",
    "eventSource": "VARCHAR",
    "eventName": "VARCHAR",
    "awsRegion": "VARCHAR",
    "sourceIPAddress": "VARCHAR",
    "userAgent": "VARCHAR",
    "errorCode": "VARCHAR",
    "errorMessage": "VARCHAR",
    "requestParameters": "JSON",
    "responseElements": "JSON",
    "additionalEventData": "JSON",
    "requestID": "VARCHAR",
    "eventID": "VARCHAR",
    "readOnly": "BOOLEAN",
    "resources": "JSON",
    "eventType": "VARCHAR",
    "apiVersion": "VARCHAR",
    "managementEvent": "BOOLEAN",
    "recipientAccountId": "VARCHAR",
    "sharedEventID": "VARCHAR",
    "serviceEventDetails": "JSON",
    "vpcEndpointId": "VARCHAR",
    "eventCategory": "VARCHAR",
    "tlsDetails": "JSON",
    "sessionCredentialFromConsole": "VARCHAR",
}


def query(kind, source):
    if kind == "ndjson":
        columns = ", ".join(f"{name}: '{kind}'" for name, kind in COLUMNS.items())
        return f"SELECT * FROM read_json('{source}', format = 'newline_delimited', columns = {{{columns}}})"
    record = ", ".join(f'"{name}" {kind}' for name, kind in COLUMNS.items())
    return f"""SELECT unnest(Records, max_depth := 2) FROM read_json('{source}/**/*.json.gz',
        columns = {{Records: 'STRUCT({record})[]'}})"""


kind, source, database = sys.argv[1:]
before = resource.getrusage(resource.RUSAGE_SELF)
begun = time.monotonic()
connection = duckdb.connect(database)
connection.execute(f"CREATE TABLE events AS {query(kind, source)}")
connection.execute("CHECKPOINT")
rows = connection.execute("SELECT count(*) FROM events").fetchone()[0]
seconds = time.monotonic() - begun
after = resource.getrusage(resource.RUSAGE_SELF)
connection.close()
print(
    json.dumps(
        {
            "version": duckdb.__version__,
            "rows": rows,
            "seconds": seconds,
            "cpu_s": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
            "peak_mib": after.ru_maxrss / 1024,
            "bytes": os.path.getsize(database),
        }
    )
)
