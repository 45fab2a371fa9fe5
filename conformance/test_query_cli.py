"""`trailkeep query`: SQL over log files as they lie, and over event data stores; at once, and at a prompt."""

import csv
import datetime
import fcntl
import gzip
import io
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from conftest import PROGRAM, ROOT, eventually
from test_queries import HEAVY, default_store
from wire import kept, post_events

FINE, WRONG, INCONCLUSIVE, USAGE = 0, 1, 2, 3
COUNT = 1_200
NAME = "123456789012_CloudTrail_us-east-1_{}_A6kvhMoVeCsc7v8U.json.gz"


def environment(tmp_path, **variables):
    """No server, no credentials."""
    plain = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "TRAILKEEP_"))}
    return {**plain, "XDG_STATE_HOME": str(tmp_path / "state"), **variables}


def event(n, **members):
    return {
        "eventVersion": "1.11",
        "userIdentity": {"type": "IAMUser", "userName": "dana"},
        "eventTime": f"2026-03-02T09:{n // 60 % 60:02}:{n % 60:02}Z",
        "eventSource": "iam.amazonaws.com",
        "eventName": "GetRole",
        "awsRegion": "us-east-1",
        "sourceIPAddress": "203.0.113.7",
        "requestParameters": {"roleName": "deployer", "n": n},
        "eventID": f"{n:08x}-0000-4000-8000-000000000000",
        "recipientAccountId": "123456789012",
        **members,
    }


def packed(*events):
    return gzip.compress(json.dumps({"Records": events}, separators=(",", ":")).encode())


def ask(tmp_path, *arguments, code=FINE, text=None):
    done = subprocess.run([PROGRAM, "query", *arguments], env=environment(tmp_path), capture_output=True, text=True, input=text)
    assert done.returncode == code, (done.stdout, done.stderr)
    return done


def rows(done):
    """CSV as lists, without the header."""
    return list(csv.reader(io.StringIO(done.stdout)))[1:]


@pytest.fixture
def logs(tmp_path):
    """A folder with log files in every form, and much that is none."""
    folder = tmp_path / "AWSLogs" / "123456789012" / "CloudTrail" / "us-east-1"
    day = folder / "2026" / "03" / "02"
    day.mkdir(parents=True)
    (day / NAME.format("20260302T0905Z")).write_bytes(packed(*[event(n) for n in range(5)]))
    (day / "plain.json").write_text(json.dumps({"Records": [event(5), event(6)]}, indent=1))
    (day / "lines.ndjson").write_text("".join(json.dumps(event(n)) + "\n" for n in (7, 8, 9)))
    digests = tmp_path / "AWSLogs" / "123456789012" / "CloudTrail-Digest" / "us-east-1"
    digests.mkdir(parents=True)
    (digests / "123456789012_CloudTrail-Digest_us-east-1_t_us-east-1_20260302T100000Z.json.gz").write_bytes(gzip.compress(b'{"logFiles":[]}'))
    config = tmp_path / "AWSLogs" / "123456789012" / "Config"
    config.mkdir()
    (config / "other.json.gz").write_bytes(gzip.compress(b'{"configurationItems":[]}'))
    (day / "notes.txt").write_text("nothing")
    return tmp_path / "AWSLogs"


# Log files


def test_files_in_every_form_are_read_and_others_left_out(tmp_path, logs):
    done = ask(tmp_path, "--files", str(logs), "--output", "csv", "SELECT eventName, COUNT(*) AS n FROM event_data_store GROUP BY eventName")
    assert done.stdout == "eventName,n\nGetRole,10\n" and done.stderr == ""
    one = ask(tmp_path, "--files", str(next(logs.rglob("plain.json"))), "--output", "csv", "SELECT eventID FROM event_data_store ORDER BY 1")
    assert [row[0][:8] for row in rows(one)] == ["00000005", "00000006"]


def test_the_corpus_is_counted_as_it_is(tmp_path, corpus):
    folder = corpus / "logfiles" / "invictus"
    records = [record for path in folder.rglob("*.json.gz") for record in json.loads(gzip.decompress(path.read_bytes()))["Records"]]
    asked = ["--files", str(folder), "--output", "csv"]
    done = ask(tmp_path, *asked, "SELECT eventName, COUNT(*) FROM event_data_store GROUP BY eventName")
    assert {name: int(n) for name, n in rows(done)} == Counter(record["eventName"] for record in records)
    done = ask(tmp_path, *asked, "SELECT userIdentity.userName, COUNT(*) FROM cloudtrail_logs WHERE userIdentity.userName IS NOT NULL GROUP BY 1")
    assert {name: int(n) for name, n in rows(done)} == Counter(
        name for record in records if (name := record.get("userIdentity", {}).get("userName")) is not None
    )
    bucket = "SELECT eventID, requestParameters.bucketName FROM event_data_store WHERE requestParameters.bucketName LIKE '%a%'"
    expected = sorted(
        [record["eventID"], name]
        for record in records
        if "a" in (name := str((record.get("requestParameters") or {}).get("bucketName", "")))
    )
    assert sorted(rows(ask(tmp_path, *asked, bucket))) == expected


def test_damaged_files_are_named_and_the_exit_says_so(tmp_path, logs):
    whole = next(logs.rglob(NAME.format("20260302T0905Z")))
    (whole.parent / "cut.json.gz").write_bytes(whole.read_bytes()[:-5])
    (whole.parent / "page.json").write_text("<html>")
    (whole.parent / "partly.ndjson").write_text(json.dumps(event(20)) + '\n{"eventName":"x"}\n')
    done = ask(tmp_path, "--files", str(logs), "--output", "csv", "SELECT COUNT(*) FROM event_data_store", code=WRONG)
    assert rows(done) == [["11"]]
    assert re.search(r"damaged: \S*/cut\.json\.gz: TruncatedGzip: ", done.stderr)
    assert re.search(r"damaged: \S*/page\.json: InvalidJson: ", done.stderr)
    assert re.search(r"damaged: \S*/partly\.ndjson: record 1: MissingField: ", done.stderr)
    assert "the result is not complete: 3 files are damaged" in done.stderr


def test_files_of_other_days_are_not_read_and_counted(tmp_path, logs):
    day = logs / "123456789012" / "CloudTrail" / "us-east-1" / "2026" / "03" / "09"
    day.mkdir()
    # Its name says what is not so: only the file's name is gone by.
    (day / NAME.format("20260309T0905Z")).write_bytes(packed(event(30)))
    asked = ["--files", str(logs), "--output", "csv", "SELECT COUNT(*) FROM event_data_store WHERE eventTime < '2026-03-03'"]
    done = ask(tmp_path, *asked)
    assert rows(done) == [["10"]] and "1 files were not read" in done.stderr
    done = ask(tmp_path, *asked, "--every-file")
    assert rows(done) == [["11"]] and done.stderr == ""


def test_since_bounds_every_table(tmp_path, logs):
    asked = ["--files", str(logs), "--output", "csv", "--since"]
    counted = ask(tmp_path, *asked, "2026-03-02T09:00:08", "SELECT COUNT(*) FROM event_data_store a JOIN cloudtrail_logs ON a.eventID = cloudtrail_logs.eventID")
    assert rows(counted) == [["2"]]
    future = (datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=1)).strftime("%Y-%m-%d")
    assert rows(ask(tmp_path, *asked, future, "SELECT COUNT(*) FROM event_data_store")) == [["0"]]


def test_rows_come_in_every_form(tmp_path, logs):
    statement = "SELECT eventTime, userIdentity.userName, requestParameters.n, errorCode, COUNT(*) OVER () AS n FROM event_data_store ORDER BY eventTime LIMIT 1"
    asked = ["--files", str(logs), statement]
    row = ["2026-03-02 09:00:00.000", "dana", "0"]
    assert ask(tmp_path, *asked, "--output", "csv").stdout == f"eventTime,userName,n,errorCode,n\n{','.join(row)},,10\n"
    line = ask(tmp_path, *asked, "--output", "json").stdout
    assert line == '{"eventTime":"2026-03-02 09:00:00.000","userName":"dana","n":"0","errorCode":null,"n_2":"10"}\n'
    table = ask(tmp_path, *asked).stdout.splitlines()
    assert table[0].split() == ["eventTime", "userName", "n", "errorCode", "n"]
    assert table[2].split() == ["2026-03-02", "09:00:00.000", "dana", "0", "NULL", "10"]
    ask(tmp_path, *asked, "--output", "csv", "--output-file", str(tmp_path / "out.csv"))
    assert (tmp_path / "out.csv").read_text().count("\n") == 2


def test_parquet_has_types(tmp_path, logs):
    duckdb = pytest.importorskip("duckdb")
    out = tmp_path / "out.parquet"
    statement = "SELECT eventTime, eventName, COUNT(*) AS n, AVG(1.5) AS a, requestParameters FROM event_data_store GROUP BY 1, 2, 5"
    ask(tmp_path, "--files", str(logs), "--output", "parquet", "--output-file", str(out), statement)
    found = duckdb.sql(f"SELECT * FROM '{out}' ORDER BY eventTime")
    assert [str(kind) for kind in found.types] == ["TIMESTAMP", "VARCHAR", "BIGINT", "DOUBLE", "VARCHAR"]
    assert found.fetchall()[9] == (datetime.datetime(2026, 3, 2, 9, 0, 9), "GetRole", 1, 1.5, '{"roleName":"deployer","n":9}')
    assert not list(tmp_path.glob("*.part"))
    piped = subprocess.run(
        [PROGRAM, "query", "--files", str(logs), "--output", "parquet", statement], env=environment(tmp_path), capture_output=True, check=True
    )
    assert piped.stdout[:4] == piped.stdout[-4:] == b"PAR1"


ATHENA = (
    "CREATE EXTERNAL TABLE cloudtrail_logs (\n  eventversion STRING,\n  useridentity STRUCT\n    type:STRING,\n    principalid:STRING,\n    username:STRING\n  >,\n"
    "  eventtime STRING,\n  eventsource STRING,\n  eventname STRING,\n  sourceipaddress STRING\n)\n"
    "ROW FORMAT SERDE 'org.apache.hive.hcatalog.data.JsonSerDe'\nLOCATION '{}';\n"
    "SELECT eventtime, useridentity.username, sourceipaddress FROM cloudtrail_logs WHERE eventsource='signin.amazonaws.com' "
    "AND eventname='ConsoleLogin' AND responseelements.ConsoleLogin='Failure' ORDER BY eventtime DESC LIMIT 10;\n"
    "SELECT eventtime, useridentity.username, eventname, requestparameters FROM cloudtrail_logs WHERE eventsource='lambda.amazonaws.com' "
    "AND resources.arn LIKE '%function:my-critical-function%' AND eventtime > '2023-06-01' ORDER BY eventtime DESC;\n"
)
FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:my-critical-function"
ATHENA_EVENTS = [
    event(1, eventSource="signin.amazonaws.com", eventName="ConsoleLogin", responseElements={"ConsoleLogin": "Failure"}),
    event(2, eventSource="signin.amazonaws.com", eventName="ConsoleLogin", responseElements={"ConsoleLogin": "Success"}),
    event(3, eventSource="lambda.amazonaws.com", eventName="Invoke", resources=[{"ARN": FUNCTION}]),
]
ATHENA_ROWS = (
    "eventtime,username,sourceipaddress\n2026-03-02T09:00:01Z,dana,203.0.113.7\n"
    'eventtime,username,eventname,requestparameters\n2026-03-02T09:00:03Z,dana,Invoke,"{""roleName"":""deployer"",""n"":3}"\n'
)


def test_athenas_table_is_declared_over_the_files(tmp_path):
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "a.json.gz").write_bytes(packed(*ATHENA_EVENTS))
    done = ask(tmp_path, "--files", str(tmp_path / "logs"), "--output", "csv", text=ATHENA.format("s3://elsewhere/CloudTrail/"))
    assert done.stdout == ATHENA_ROWS
    assert "cloudtrail_logs: the log files of" in done.stderr


def test_mistakes_are_shown_at_their_place(tmp_path, logs):
    done = ask(tmp_path, "--files", str(logs), "SELECT eventID\nFROM event_data_store\nWHERE eventNam = 'x'", code=WRONG)
    assert done.stdout == "" and "line 3:7: column eventNam does not exist" in done.stderr and "eventname" in done.stderr
    assert "  WHERE eventNam = 'x'\n        ^" in done.stderr
    for statement, told in [
        ("SELECT no_such_function(1) FROM event_data_store", "no_such_function"),
        ("SELEC 1", "line 1:1"),
        ("DELETE FROM event_data_store", "SELECT"),
        ("CREATE TABLE x (a STRING)", "CREATE EXTERNAL TABLE"),
        ("SELECT eventID FROM no_such_table", "no_such_table"),
    ]:
        done = ask(tmp_path, "--files", str(logs), statement, code=WRONG)
        assert told in done.stderr and done.stdout == "", done.stderr


def test_how_it_is_called_matters(tmp_path, logs):
    assert "--files" in ask(tmp_path, "--help").stdout
    ask(tmp_path, "--files", str(tmp_path / "nowhere"), "SELECT 1 FROM event_data_store", code=INCONCLUSIVE)
    ask(tmp_path, "--files", str(logs), "--since", "soon", "SELECT 1 FROM event_data_store", code=USAGE)
    ask(tmp_path, "--files", str(logs), "--output", "xml", "SELECT 1 FROM event_data_store", code=USAGE)
    ask(tmp_path, "--files", str(logs), text="  -- nothing\n", code=USAGE)
    no_server = ask(tmp_path, "SELECT 1 FROM event_data_store", code=USAGE)
    assert "AWS_ENDPOINT_URL" in no_server.stderr
    (logs / "empty").mkdir()
    empty = ask(tmp_path, "--files", str(logs / "empty"), "--output", "csv", "SELECT eventID FROM event_data_store")
    assert empty.stdout == "eventID\n" and "no log files were found" in empty.stderr and "no rows" in empty.stderr


def test_whoever_has_seen_enough_may_leave(tmp_path, logs):
    command = f"'{PROGRAM}' query --files '{logs}' --output csv 'SELECT eventID FROM event_data_store' | head -1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], env=environment(tmp_path), capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (FINE, "eventID\n"), done.stderr


# The server


@pytest.fixture(scope="module")
def lake(server):
    """A server with COUNT events in its store, and a bucket of log files."""
    server.store = default_store(server)
    now = datetime.datetime.now(datetime.UTC)
    server.events = [
        event(n, eventTime=(now - datetime.timedelta(seconds=60 + n)).strftime("%Y-%m-%dT%H:%M:%SZ"), eventName=f"Number{n % 3}",
              eventSource="test.example.com", **({"errorCode": "AccessDenied"} if n % 100 == 0 else {}))
        for n in range(COUNT)
    ]
    kept(post_events(server, server.events), COUNT)
    counted = f"SELECT COUNT(*) AS n FROM {server.store} WHERE eventSource = 'test.example.com'"
    eventually(lambda: server.trailkeep("query", "--output", "csv", counted).stdout == f"n\n{COUNT}\n")
    s3 = server.client("s3")
    s3.create_bucket(Bucket="logs-to-query")
    for day in range(1, 29):
        folder = f"AWSLogs/123456789012/CloudTrail/us-east-1/2026/02/{day:02}/"
        made = event(day, eventTime=f"2026-02-{day:02}T09:00:00Z")
        s3.put_object(Bucket="logs-to-query", Key=folder + NAME.format(f"202602{day:02}T0905Z"), Body=packed(made))
    s3.put_object(Bucket="logs-to-query", Key="athena/" + NAME.format("20260302T0905Z"), Body=packed(*ATHENA_EVENTS))
    return server


def query(server, *arguments, code=FINE, text=None):
    done = server.trailkeep("query", *arguments, text=text)
    assert done.returncode == code, (done.stdout, done.stderr, server.log[-20:])
    return done


TEST_EVENTS = "eventSource = 'test.example.com'"


def test_rows_of_a_store_come_whole(lake):
    done = query(lake, "--output", "csv", f"SELECT eventID, errorCode, requestParameters.n FROM event_data_store WHERE {TEST_EVENTS}")
    expected = sorted([e["eventID"], e.get("errorCode", ""), str(e["requestParameters"]["n"])] for e in lake.events)
    assert done.stdout.startswith("eventID,errorCode,n\n") and sorted(rows(done)) == expected
    lines = query(lake, "--output", "json", f"SELECT eventName, COUNT(*) AS n FROM {lake.store} WHERE {TEST_EVENTS} GROUP BY 1 ORDER BY 1")
    assert [json.loads(line) for line in lines.stdout.splitlines()] == [{"eventName": f"Number{n}", "n": str(COUNT // 3)} for n in range(3)]


def test_a_result_without_rows_still_has_a_header(lake):
    done = query(lake, "--output", "csv", f"SELECT eventID, userIdentity.arn AS who FROM {lake.store} WHERE eventName = 'NoSuchCall'")
    assert done.stdout == "eventID,who\n" and "no rows" in done.stderr


def test_since_is_asked_of_the_server_too(lake):
    since = ["--output", "csv", "--since"]
    assert rows(query(lake, *since, "1d", f"SELECT COUNT(*) FROM {lake.store} WHERE {TEST_EVENTS}")) == [[str(COUNT)]]
    assert rows(query(lake, *since, "1s", f"SELECT COUNT(*) FROM {lake.store} WHERE {TEST_EVENTS}")) == [["0"]]


def test_the_server_says_what_is_wrong_and_where(lake):
    done = query(lake, f"SELECT eventID\nFROM {lake.store}\nWHERE eventNam = 'x'", code=WRONG)
    assert "InvalidQueryStatementException" in done.stderr and "line 3:7" in done.stderr and "eventname" in done.stderr
    assert "  WHERE eventNam = 'x'\n        ^" in done.stderr
    failed = query(lake, f"SELECT requestParameters['no such key'] FROM {lake.store} WHERE {TEST_EVENTS}", code=WRONG)
    assert "the query failed" in failed.stderr


def test_a_table_is_declared_over_a_bucket_of_the_server(lake):
    done = query(lake, "--output", "csv", text=ATHENA.format("s3://logs-to-query/athena/"))
    assert done.stdout == ATHENA_ROWS
    mixed = ATHENA.format("s3://logs-to-query/athena/") + f"SELECT COUNT(*) AS n FROM {lake.store} WHERE {TEST_EVENTS};"
    assert query(lake, "--output", "csv", text=mixed).stdout == f"{ATHENA_ROWS}n\n{COUNT}\n"
    missing = query(lake, text=ATHENA.format("s3://no-such-bucket-here/"), code=INCONCLUSIVE)
    assert "no-such-bucket-here" in missing.stderr


def test_a_bucket_is_read_without_the_folders_of_other_days(lake):
    source = ["--files", "s3://logs-to-query/AWSLogs/", "--source-endpoint-url", lake.url, "--output", "csv"]
    assert rows(query(lake, *source, "SELECT COUNT(*) FROM event_data_store")) == [["28"]]
    bounded = "SELECT eventTime FROM event_data_store WHERE eventTime BETWEEN '2026-02-10' AND '2026-02-12' ORDER BY 1"
    done = query(lake, *source, bounded)
    assert rows(done) == [[f"2026-02-{day} 09:00:00.000"] for day in (10, 11)]
    assert "were not read" in done.stderr
    assert rows(query(lake, *source, "--every-file", bounded)) == rows(done)
    # More than a page of files of one day: the listing goes on behind that day.
    busy = "AWSLogs/123456789012/CloudTrail/us-east-1/2026/01/05/"
    s3 = lake.client("s3")
    with ThreadPoolExecutor(8) as putters:
        list(putters.map(lambda n: s3.put_object(Bucket="logs-to-query", Key=f"{busy}{n:04}.json.gz", Body=packed(event(n))), range(1_100)))
    again = query(lake, *source, bounded)
    assert rows(again) == rows(done) and "2 files and the files of 25 folders were not read" in again.stderr
    assert rows(query(lake, *source, "SELECT COUNT(*) FROM event_data_store")) == [["1128"]]
    nowhere = ["--files", "s3://logs-to-query/AWSLogs/", "--source-endpoint-url", "http://127.0.0.1:9", "SELECT 1 FROM event_data_store"]
    query(lake, *nowhere, code=INCONCLUSIVE)


def heavy(server):
    """A query that ends long after every test, once the server runs it."""
    process = subprocess.Popen(
        [PROGRAM, "query", HEAVY.format(server.store)], env=server.variables(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    eventually(lambda: running(server))
    return process


def running(server):
    return server.client("cloudtrail").list_queries(EventDataStore=server.store, QueryStatus="RUNNING")["Queries"]


def test_ctrl_c_cancels_the_query_at_the_server(lake):
    process = heavy(lake)
    [started] = running(lake)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=30)
    assert process.returncode == INCONCLUSIVE and "cancelled" in told, told
    assert lake.client("cloudtrail").describe_query(QueryId=started["QueryId"])["QueryStatus"] == "CANCELLED"


def test_a_server_that_goes_away_is_told_of(make_server):
    server = make_server()
    server.store = default_store(server)
    kept(post_events(server, [event(n, eventTime=datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")) for n in range(60)]), 60)
    counted = f"SELECT COUNT(*) AS n FROM {server.store} WHERE eventName = 'GetRole'"
    eventually(lambda: server.trailkeep("query", "--output", "csv", counted).stdout == "n\n60\n")
    process = heavy(server)
    server.kill()
    out, told = process.communicate(timeout=60)
    assert (process.returncode, out) == (INCONCLUSIVE, "") and "cannot reach" in told or "broke off" in told, told
    assert server.trailkeep("query", "SELECT 1 FROM event_data_store").returncode == INCONCLUSIVE


# The prompt


class Prompt:
    """`trailkeep query` on a terminal of its own."""

    def __init__(self, *arguments, env, columns=120):
        main, other = pty.openpty()
        fcntl.ioctl(other, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))

        def own_terminal():
            os.setsid()
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)

        env = {**env, "TERM": "xterm", "NO_COLOR": "1"}
        self.process = subprocess.Popen(
            [PROGRAM, "query", *arguments], stdin=other, stdout=other, stderr=other, env=env, preexec_fn=own_terminal
        )
        os.close(other)
        self.main, self.shown = main, ""

    def type(self, text):
        self.shown = ""
        os.write(self.main, text.encode())

    def sees(self, wanted, seconds=60):
        """Waits until the terminal shows it; what it showed is returned."""
        deadline = time.monotonic() + seconds
        while not re.search(wanted, self.shown):
            left = deadline - time.monotonic()
            ready, _, _ = select.select([self.main], [], [], max(left, 0))
            try:
                piece = os.read(self.main, 65536) if ready else b""
            except OSError:
                piece = b""
            assert piece, f"{wanted!r} was not shown:\n{self.shown}"
            self.shown += re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", piece.decode(errors="replace")).replace("\r", "")
        return self.shown

    def leave(self):
        # Before the prompt is there the terminal itself would take it.
        self.sees("trailkeep> $")
        self.type("\x04")
        assert self.process.wait(30) == FINE
        os.close(self.main)


def test_a_prompt_takes_statements_over_several_lines(tmp_path, logs):
    prompt = Prompt("--files", str(logs), env=environment(tmp_path))
    prompt.sees("trailkeep> ")
    prompt.type("SELECT COUNT(*) AS counted\rFROM event_data_store\r")
    prompt.type("WHERE requestParameters.n > 3;\r")
    prompt.sees(r"counted\n─+\n6\n")
    prompt.sees("trailkeep> $")
    prompt.type("SELECT eventNam FROM event_data_store;\r")
    prompt.sees(r"did you mean eventname")
    prompt.sees("trailkeep> $")
    prompt.type("SELECT sourceip\t FROM event_data_store LIMIT 1;\r")
    prompt.sees(r"203\.0\.113\.7")
    prompt.sees("trailkeep> $")
    prompt.type("help\r")
    prompt.sees("Ctrl-D leaves")
    prompt.leave()
    history = (tmp_path / "state" / "trailkeep" / "query_history").read_text()
    assert "SELECT COUNT(*) AS counted" in history and "sourceIPAddress FROM event_data_store LIMIT 1;" in history
    again = Prompt("--files", str(logs), env=environment(tmp_path))
    again.sees("trailkeep> ")
    # The last statement but one.
    again.type("\x1b[A\x1b[A\r")
    again.sees(r"203\.0\.113\.7")
    again.leave()


def test_ctrl_c_at_the_prompt_stops_the_query_and_not_the_session(lake):
    prompt = Prompt(env=lake.variables())
    prompt.sees("trailkeep> ")
    prompt.type(HEAVY.format(lake.store) + ";\r")
    eventually(lambda: running(lake))
    prompt.type("\x03")
    prompt.sees("cancelled")
    prompt.sees("trailkeep> $")
    assert not running(lake)
    prompt.type(f"SELECT COUNT(*) AS counted FROM {lake.store} WHERE {TEST_EVENTS};\r")
    prompt.sees(rf"counted\n─+\n{COUNT}\n")
    prompt.sees("trailkeep> $")
    prompt.type("tables\r")
    prompt.sees(lake.store)
    prompt.type("exit\r")
    assert prompt.process.wait(30) == FINE


def test_ctrl_c_stops_reading_files(tmp_path, logs):
    (logs / "more.json.gz").write_bytes(packed(*[event(n) for n in range(100, 20_000)]))
    endless = "SELECT COUNT(*) FROM event_data_store a CROSS JOIN event_data_store b WHERE a.eventID < b.eventJson AND a.eventJson < b.eventID"
    prompt = Prompt("--files", str(logs), endless, env=environment(tmp_path))
    prompt.sees("events/s")
    prompt.type("\x03")
    prompt.sees("interrupted")
    assert prompt.process.wait(30) == INCONCLUSIVE


def test_a_terminal_gets_what_fits(tmp_path, logs):
    prompt = Prompt("--files", str(logs), "SELECT * FROM event_data_store LIMIT 2", env=environment(tmp_path), columns=60)
    shown = prompt.sees("── row 2 ──")
    assert prompt.process.wait(30) == FINE
    assert re.search(r"eventname +GetRole\n", shown) and all(len(line) <= 60 for line in shown.splitlines() if "files" not in line), shown
