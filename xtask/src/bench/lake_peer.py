"""Loads CloudTrail records into a peer and times queries there: DuckDB over its own table, over Parquet and over the
`.json.gz` files; chdb; PostgreSQL with JSONB. Says on stdout, as JSON, what it took.

Arguments: the engine, the NDJSON file (empty for DuckDB if it is alone), the folder of log files, a folder to work in. Standard input: `{"values":
{"user", "eventID", "since", "until"}, "rounds": N, "raw": bool}`. Each query is run `rounds` times; the least time counts, for every engine alike.
"""

import json
import os
import shutil
import subprocess
import sys
import time

engine, ndjson, log_files, folder = sys.argv[1:]
asked = json.load(sys.stdin)
VALUES = asked["values"]

TEXTS = [
    "eventVersion", "eventSource", "eventName", "awsRegion", "sourceIPAddress", "userAgent", "errorCode", "errorMessage",
    "requestParameters", "responseElements", "additionalEventData", "requestID", "eventID", "resources", "eventType",
    "recipientAccountId", "eventCategory",
]
IDENTITY = ["type", "principalId", "arn", "accountId", "accessKeyId", "userName"]


def literal(text):
    return "'" + text.replace("'", "''") + "'"


USER, EVENT_ID = literal(VALUES["user"]), literal(VALUES["eventID"])
# chdb compares times with texts of its own form only.
SINCE, UNTIL = (literal(VALUES[name].replace("T", " ").strip("Z") if engine == "chdb" else VALUES[name]) for name in ("since", "until"))


def queries(table, user, arn, policy, unnest, resource_type):
    """The measured queries in SQL that DuckDB, ClickHouse and PostgreSQL share but for some expressions."""
    return {
        "count by eventName": f'SELECT "eventName", count(*) AS n FROM {table} GROUP BY "eventName" ORDER BY n DESC LIMIT 20',
        "user and time": f'SELECT "eventTime", "eventName", "sourceIPAddress" FROM {table} WHERE {user} = {USER} '
        f'AND "eventTime" BETWEEN {SINCE} AND {UNTIL} ORDER BY "eventTime"',
        "denied by address": f'SELECT "sourceIPAddress", count(*) AS n FROM {table} WHERE "errorCode" LIKE \'%AccessDenied%\' '
        'GROUP BY "sourceIPAddress" ORDER BY n DESC LIMIT 20',
        "nested LIKE": f"SELECT count(*) FROM {table} WHERE {policy} LIKE '%policy%'",
        "distinct": f'SELECT count(DISTINCT "sourceIPAddress"), count(DISTINCT {arn}) FROM {table}',
        "top errors": f'SELECT "errorCode", "eventSource", count(*) AS n FROM {table} WHERE "errorCode" <> \'\' '
        'GROUP BY "errorCode", "eventSource" ORDER BY n DESC LIMIT 20',
        "unnest resources": f"SELECT {resource_type} AS kind, count(*) AS n FROM {unnest} GROUP BY kind ORDER BY n DESC LIMIT 20",
        "needle": f'SELECT * FROM {table} WHERE "eventID" = {EVENT_ID}',
        "newest 50 of a user": f'SELECT * FROM {table} WHERE {user} = {USER} ORDER BY "eventTime" DESC LIMIT 50',
    }


def size(path):
    if os.path.isfile(path):
        return os.path.getsize(path)
    return sum(os.path.getsize(os.path.join(base, name)) for base, _, names in os.walk(path) for name in names)


def timed(run, texts):
    told = {}
    for name, text in texts.items():
        least = None
        for _ in range(asked["rounds"]):
            begun = time.monotonic()
            run(text)
            spent = time.monotonic() - begun
            least = spent if least is None else min(least, spent)
        told[name] = least * 1000
    return told


def duckdb_columns():
    identity = "STRUCT(" + ", ".join(f"{name} VARCHAR" for name in IDENTITY) + ", sessionContext JSON)"
    kinds = {name: "JSON" if name in ("requestParameters", "responseElements", "additionalEventData", "resources") else "VARCHAR"
             for name in TEXTS}
    return {**kinds, "eventTime": "TIMESTAMP", "readOnly": "BOOLEAN", "userIdentity": identity}


def duckdb_queries(table):
    unnest = f"(SELECT unnest(from_json(resources, '[{{\"type\":\"VARCHAR\"}}]')) AS r FROM {table})"
    return queries(table, '"userIdentity".userName', '"userIdentity".arn',
                   "json_extract_string(\"requestParameters\", '$.policyArn')", unnest, "r.type")


def run_duckdb():
    import duckdb

    connection = duckdb.connect(os.path.join(folder, "peer.db"))
    connection.execute("SET enable_progress_bar = false")
    version = f"DuckDB {duckdb.__version__}"
    record = ", ".join(f'"{name}" {kind}' for name, kind in duckdb_columns().items())
    raw = f"""(SELECT unnest(Records, max_depth := 2) FROM read_json('{log_files}/**/*.json.gz',
        columns = {{Records: 'STRUCT({record})[]'}}))"""
    begun = time.monotonic()
    connection.execute(f"CREATE TABLE events AS SELECT * FROM {raw} ORDER BY \"eventTime\"")
    connection.execute("CHECKPOINT")
    load_s = time.monotonic() - begun
    told = [dict(engine=version, load_s=load_s, bytes=size(os.path.join(folder, "peer.db")))]
    run = lambda text: connection.execute(text).fetchall()
    told[0]["rows"] = run("SELECT count(*) FROM events")[0][0]
    told[0]["ms"] = timed(run, duckdb_queries("events"))
    parquet = os.path.join(folder, "peer.parquet")
    begun = time.monotonic()
    connection.execute(f"COPY events TO '{parquet}' (FORMAT parquet, COMPRESSION zstd)")
    told.append(dict(engine=f"{version} on Parquet", load_s=load_s + time.monotonic() - begun, bytes=size(parquet)))
    told[1]["rows"] = told[0]["rows"]
    told[1]["ms"] = timed(run, duckdb_queries(f"read_parquet('{parquet}')"))
    if asked["raw"]:
        asked["rounds"] = 1
        told.append(dict(engine=f"{version} on .json.gz", load_s=0, bytes=size(log_files), rows=told[0]["rows"]))
        told[2]["ms"] = timed(run, duckdb_queries(raw))
    return told


def run_chdb():
    import chdb
    from chdb import session

    own = session.Session(os.path.join(folder, "chdb"))
    identity = "Tuple(" + ", ".join(f"{name} String" for name in IDENTITY) + ")"
    columns = ", ".join(f'"{name}" String' for name in TEXTS)
    own.query("CREATE DATABASE peer ENGINE = Atomic")
    own.query(f'CREATE TABLE peer.events ("eventTime" DateTime, "userIdentity" {identity}, {columns}) '
              'ENGINE = MergeTree ORDER BY "eventTime"')
    begun = time.monotonic()
    own.query(
        f"INSERT INTO peer.events SELECT * FROM file('{ndjson}', JSONEachRow, '\"eventTime\" DateTime, "
        f"\"userIdentity\" {identity}, {columns}') SETTINGS date_time_input_format = 'best_effort', "
        "input_format_json_read_objects_as_strings = 1, input_format_json_read_arrays_as_strings = 1, "
        "input_format_skip_unknown_fields = 1, input_format_null_as_default = 1, "
        "input_format_json_defaults_for_missing_elements_in_named_tuple = 1, "
        "input_format_json_ignore_unknown_keys_in_named_tuple = 1, input_format_json_read_bools_as_strings = 1")
    load_s = time.monotonic() - begun
    run = lambda text: own.query(text, "JSONCompact").bytes()
    rows = json.loads(own.query("SELECT count(*) AS n FROM peer.events", "JSONCompact").bytes())["data"][0][0]
    unnest = "(SELECT arrayJoin(JSONExtract(resources, 'Array(Tuple(type String))')) AS r FROM peer.events)"
    texts = queries("peer.events", '"userIdentity".userName', '"userIdentity".arn',
                    "JSONExtractString(\"requestParameters\", 'policyArn')", unnest, "r.type")
    return [dict(engine=f"chdb {chdb.__version__}", load_s=load_s, bytes=size(os.path.join(folder, "chdb")), rows=int(rows),
                 ms=timed(run, texts))]


def run_postgres():
    import glob

    folders = sorted(glob.glob("/usr/lib/postgresql/*/bin"))
    programs = folders[-1] if folders else os.path.dirname(shutil.which("initdb") or "")
    if not programs:
        raise ModuleNotFoundError("postgresql is not installed")
    data = os.path.join(folder, "postgres")
    os.makedirs(data)
    as_user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    if as_user:
        os.chmod(folder, 0o755)
        shutil.chown(data, "postgres")
    quiet = dict(check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    subprocess.run([*as_user, f"{programs}/initdb", "-D", data, "--auth=trust", "--no-sync"], **quiet)
    subprocess.run([*as_user, f"{programs}/pg_ctl", "-D", data, "-w", "-o", f"-k {data} -c listen_addresses= "
                    "-c shared_buffers=2GB -c maintenance_work_mem=1GB -c max_wal_size=16GB", "start"], **quiet)

    def psql(text, **more):
        return subprocess.run([*as_user, f"{programs}/psql", "-h", data, "-d", "postgres", "-q", "-At", "-c", text],
                              check=True, capture_output=True, text=True, **more).stdout

    try:
        psql("CREATE TABLE events (record jsonb)")
        begun = time.monotonic()
        with open(ndjson) as lines:
            psql("COPY events FROM STDIN WITH (FORMAT csv, QUOTE E'\\x01', DELIMITER E'\\x02')", stdin=lines)
        psql("CREATE INDEX ON events ((record->>'eventID'))")
        psql("CREATE INDEX ON events ((record->'userIdentity'->>'userName'), (record->>'eventTime'))")
        psql("ANALYZE events")
        load_s = time.monotonic() - begun
        flat = ", ".join(f"record->>'{name}' AS \"{name}\"" for name in [*TEXTS, "eventTime"])
        psql(f'CREATE VIEW flat AS SELECT {flat}, record->\'userIdentity\'->>\'userName\' AS user_name, '
             "record->'userIdentity'->>'arn' AS arn, record->'requestParameters'->>'policyArn' AS policy, record FROM events")
        unnest = "(SELECT jsonb_array_elements(CASE jsonb_typeof(record->'resources') WHEN 'array' THEN record->'resources' END)" \
                 "->>'type' AS kind FROM events) r"
        texts = queries("flat", "user_name", "arn", "policy", unnest, "kind")
        texts["needle"] = f"SELECT record FROM flat WHERE \"eventID\" = {EVENT_ID}"
        texts["newest 50 of a user"] = f"SELECT record FROM flat WHERE user_name = {USER} ORDER BY \"eventTime\" DESC LIMIT 50"
        rows = int(psql("SELECT count(*) FROM events"))
        version = psql("SHOW server_version").split()[0]
        return [dict(engine=f"PostgreSQL {version}, JSONB", load_s=load_s, bytes=int(psql("SELECT pg_total_relation_size('events')")),
                     rows=rows, ms=timed(psql, texts))]
    finally:
        subprocess.run([*as_user, f"{programs}/pg_ctl", "-D", data, "-m", "immediate", "stop"], **quiet)


try:
    told = {"duckdb": run_duckdb, "chdb": run_chdb, "postgres": run_postgres}[engine]()
except ModuleNotFoundError as missing:
    print(f"bench: {engine} is left out: {missing}", file=sys.stderr)
    told = []
print(json.dumps(told))
