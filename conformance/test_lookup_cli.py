"""`trailkeep lookup` and `trailkeep tail`: finding events, and watching them come in."""

import csv
import datetime
import fcntl
import io
import json
import os
import pty
import re
import signal
import socket
import struct
import subprocess
import termios
import threading
import urllib.request

import pytest

from conftest import PROGRAM, eventually

FINE, WRONG, INCONCLUSIVE, USAGE = 0, 1, 2, 3


def record(n, **members):
    return {
        "eventVersion": "1.11",
        "userIdentity": {"type": "IAMUser", "userName": "dana", "accessKeyId": "AKIADANA"},
        "eventTime": f"2026-03-02T09:{n // 60 % 60:02}:{n % 60:02}Z",
        "eventSource": "iam.amazonaws.com",
        "eventName": "GetRole",
        "awsRegion": "us-east-1",
        "sourceIPAddress": "203.0.113.7",
        "requestParameters": {"roleName": "deployer"},
        "readOnly": True,
        "eventID": f"{n:08x}-0000-4000-8000-000000000000",
        "recipientAccountId": "123456789012",
        **members,
    }


class Sending:
    """Sends events the way programs do: with a token."""

    def __init__(self, server):
        self.server = server
        self.token = server.trailkeep("token", "create", "--ingest").stdout.strip()

    def __call__(self, *records, route="?route=history"):
        body = "".join(json.dumps(record, separators=(",", ":")) + "\n" for record in records).encode()
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/x-ndjson"}
        request = urllib.request.Request(f"{self.server.url}/v1/events{route}", body, headers)
        answer = json.load(urllib.request.urlopen(request))
        assert answer["accepted"] == len(records), answer


@pytest.fixture(scope="module")
def history(server):
    """A server with 300 reads and a few events that stand out."""
    send = Sending(server)
    send(*[record(n) for n in range(300)])
    send(
        record(600, eventName="DeleteRole", readOnly=False, errorCode="AccessDenied"),
        record(601, eventName="DeleteRole", readOnly=False, awsRegion="eu-central-1"),
        record(602, eventName="DeleteRole", userIdentity={"type": "IAMUser", "userName": "=cmd|' /C calc'!A0"}),
        record(603, eventName="Strange", userIdentity={"type": "IAMUser", "userName": "\x1b[31mred\u202e"}),
    )
    eventually(lambda: "Strange" in server.trailkeep("lookup", "--event-name", "Strange").stdout)
    return server


def lookup(server, *arguments, code=FINE):
    done = server.trailkeep("lookup", *arguments)
    assert done.returncode == code, (done.stdout, done.stderr)
    return done


def ids(server, *arguments):
    """Numbers of the records found, in the order in which they are shown."""
    lines = lookup(server, *arguments, "--output", "json").stdout.splitlines()
    return [int(json.loads(line)["eventID"][:8], 16) for line in lines]


def test_filters_hold_together(history):
    assert ids(history, "--event-name", "DeleteRole") == [602, 601, 600]
    assert ids(history, "--event-name", "DeleteRole", "--user", "dana") == [601, 600]
    assert ids(history, "--event-name", "DeleteRole", "--username", "dana", "--region", "eu-central-1") == [601]
    assert ids(history, "--event-name", "DeleteRole", "--read-only", "false", "--region", "us-east-1") == [600]
    assert ids(history, "--event-id", record(600)["eventID"], "--access-key", "AKIADANA") == [600]
    assert ids(history, "--event-source", "iam", "--resource-type", "AWS::IAM::Role", "--resource-name", "deployer") [:2] == [603, 602]
    assert ids(history, "--event-name", "DeleteRole", "--all-regions", "--limit", "1") == [602]


def test_times_bound_what_is_shown(history):
    day = ["--event-source", "iam.amazonaws.com", "--limit", "0"]
    assert ids(history, *day, "--since", "2026-03-02T09:10:00Z", "--until", "2026-03-02 09:10:01") == [601, 600]
    assert ids(history, *day, "--since", "2026-03-02", "--until", "2026-03-02T10:00:02+01:00") == [2, 1, 0]
    assert ids(history, *day, "--since", "1h", "--event-name", "GetRole") == []


def test_all_pages_are_shown_newest_first(history):
    assert ids(history, "--event-name", "GetRole", "--limit", "0") == list(range(299, -1, -1))
    assert ids(history, "--event-name", "GetRole") == list(range(299, 249, -1))
    done = lookup(history, "--event-name", "GetRole", "--limit", "299", "--output", "json")
    assert len(done.stdout.splitlines()) == 299 and "--limit 0 shows all" in done.stderr
    assert lookup(history, "--event-name", "GetRole", "--limit", "300", "--output", "json").stderr == ""


def test_nothing_found_is_fine_and_said(history):
    done = lookup(history, "--event-name", "NoSuchCall")
    assert done.stdout == "" and "no events found" in done.stderr
    header = lookup(history, "--event-name", "NoSuchCall", "--output", "csv").stdout
    assert header.startswith("eventName,eventTime,") and header.count("\n") == 1


def test_json_has_the_stored_bytes_and_how_they_came(history):
    line = json.dumps(record(601, eventName="DeleteRole", readOnly=False, awsRegion="eu-central-1"), separators=(",", ":"))
    assert lookup(history, "--event-id", record(601)["eventID"], "--output", "json").stdout == line + "\n"
    told = lookup(history, "--event-id", record(601)["eventID"], "--output", "json", "--sender").stdout
    assert told.endswith(f'"event":{line}}}\n')
    told = json.loads(told)
    assert told["origin"] == "import" and re.fullmatch(r"2\d{3}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", told["acceptedAt"])
    assert told["sender"]


def test_a_table_has_a_line_for_each_event(history):
    lines = lookup(history, "--event-name", "DeleteRole", "--user", "dana").stdout.splitlines()
    assert lines[0].split() == ["TIME", "(UTC)", "EVENT", "USER", "SOURCE", "IP", "REGION", "RESOURCES", "ERROR"]
    assert lines[1].split() == ["2026-03-02", "09:10:01", "DeleteRole", "dana", "203.0.113.7", "eu-central-1", "deployer"]
    assert lines[2].split()[-1] == "AccessDenied" and len(lines) == 3
    wide = lookup(history, "--event-name", "DeleteRole", "--sender").stdout.splitlines()
    assert wide[0].split()[-3:] == ["ACCEPTED", "ORIGIN", "SENDER"]


def on_terminal(server, *arguments, columns=100, **variables):
    """What a terminal of that width is sent."""
    main, other = pty.openpty()
    fcntl.ioctl(other, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    environment = {**server.variables(), "TERM": "xterm", **variables}
    environment = {k: v for k, v in environment.items() if k != "NO_COLOR" or "NO_COLOR" in variables}
    process = subprocess.Popen([PROGRAM, *arguments], stdout=other, stderr=subprocess.PIPE, env=environment)
    os.close(other)
    shown = b""
    while True:
        try:
            piece = os.read(main, 65536)
        except OSError:
            break
        if not piece:
            break
        shown += piece
    process.communicate()
    os.close(main)
    return shown.decode().replace("\r\n", "\n")


def test_a_terminal_gets_colours_and_lines_that_fit(history):
    shown = on_terminal(history, "lookup", "--event-name", "DeleteRole", columns=90)
    assert "\x1b[31mAccessDe" in shown
    plain = on_terminal(history, "lookup", "--event-name", "DeleteRole", columns=90, NO_COLOR="1")
    assert "\x1b" not in plain and all(len(line) <= 90 for line in plain.splitlines()), plain
    assert "…" in plain


def test_records_cannot_act_on_the_terminal(history):
    for shown in (
        on_terminal(history, "lookup", "--event-name", "Strange", NO_COLOR="1"),
        lookup(history, "--event-name", "Strange").stdout,
    ):
        assert "\ufffd[31mred\ufffd" in shown and "\x1b" not in shown and "\u202e" not in shown


def test_csv_is_read_back_and_runs_nothing(history):
    text = lookup(history, "--event-name", "DeleteRole", "--output", "csv", "--sender").stdout
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["userName"] for row in rows] == ["'=cmd|' /C calc'!A0", "dana", "dana"]
    assert rows[2]["errorCode"] == "AccessDenied" and rows[2]["readOnly"] == "false" and rows[2]["origin"] == "import"
    assert json.loads(rows[1]["event"]) == record(601, eventName="DeleteRole", readOnly=False, awsRegion="eu-central-1")
    assert (rows[1]["resourceType"], rows[1]["resourceName"]) == ("AWS::IAM::Role", "deployer")


def test_output_may_be_cut_short(history):
    command = f"{PROGRAM} lookup --limit 0 --output json --event-name GetRole | head -n 1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], env=history.variables(), capture_output=True, text=True)
    assert done.returncode == FINE and done.stdout.count("\n") == 1 and done.stderr == "", done.stderr


def test_exit_codes(history):
    for arguments in (
        ["--since", "soon"],
        ["--since", "1h", "--until", "2h"],
        ["--read-only", "perhaps"],
        ["--region", "us-east-1", "--all-regions"],
        ["--limit", "-1"],
        ["DeleteRole"],
    ):
        assert lookup(history, *arguments, code=USAGE).stdout == ""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    for verb in ("lookup", "tail"):
        away = history.trailkeep(verb, "--endpoint-url", f"http://127.0.0.1:{port}")
        assert away.returncode == INCONCLUSIVE and "cannot reach" in away.stderr
        variables = {**history.variables(), "AWS_ACCESS_KEY_ID": "AKIANOBODY", "AWS_SECRET_ACCESS_KEY": "wrong"}
        refused = subprocess.run([PROGRAM, verb], env=variables, capture_output=True, text=True)
        assert refused.returncode == WRONG and "UnrecognizedClientException" in refused.stderr
        del variables["AWS_ENDPOINT_URL"]
        assert subprocess.run([PROGRAM, verb], env=variables, capture_output=True).returncode == USAGE


class Tail:
    """A running `trailkeep tail` and the lines it has shown."""

    def __init__(self, server, *arguments):
        command = [PROGRAM, "tail", *arguments]
        self.process = subprocess.Popen(command, env=server.variables(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.lines, self.notes = [], []
        for stream, lines in ((self.process.stdout, self.lines), (self.process.stderr, self.notes)):
            threading.Thread(target=lambda stream=stream, lines=lines: lines.extend(stream), daemon=True).start()

    def shows(self, *parts):
        return any(all(part in line for part in parts) for line in list(self.lines))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(10)


def watched(send, tail, n, **members):
    """Sends events until the tail shows one: it shows what comes after it has connected."""
    counter = iter(range(n, n + 10_000))

    def seen():
        now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        send(record(next(counter), **{"eventTime": now, **members}), route="")
        return tail.shows(members["eventName"])

    eventually(seen)


def test_tail_shows_what_comes_in(server):
    with Tail(server) as tail:
        watched(Sending(server), tail, 0x10000, eventName="Watched", errorCode="AccessDenied")
        line = next(line for line in tail.lines if "Watched" in line).rstrip("\n")
        assert re.fullmatch(r"2\d{3}-\d\d-\d\d \d\d:\d\d:\d\d  us-east-1  dana  iam:Watched  deployer  AccessDenied", line), line
        assert tail.stop() == FINE


def test_tail_shows_only_what_was_asked_for(server):
    send = Sending(server)
    flags = ["--event-name", "Wanted", "--resource-name", "a b+c", "--region", "eu-central-1", "--output", "json"]
    with Tail(server, *flags) as tail, Tail(server) as everything:
        watched(send, everything, 0x20000, eventName="Unwanted")
        wanted = {"awsRegion": "eu-central-1", "requestParameters": {"roleName": "a b+c"}}
        watched(send, tail, 0x30000, eventName="Wanted", **wanted)
        assert {json.loads(line)["eventName"] for line in tail.lines} == {"Wanted"}
        assert tail.stop() == FINE and everything.stop() == FINE


def test_tail_comes_back_after_a_restart(make_server):
    server = make_server()
    send = Sending(server)
    with Tail(server) as tail:
        watched(send, tail, 0x40000, eventName="Before")
        server.kill()
        server.start()
        eventually(lambda: any("connected again" in note for note in list(tail.notes)))
        watched(send, tail, 0x50000, eventName="After")
        assert tail.stop() == FINE
