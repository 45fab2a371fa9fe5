"""No answered call unrecorded: kill -9 under load, disks that are full or fail, a server that is away."""

import collections
import http.client
import random
import shutil
import subprocess
import threading
import uuid

import pytest

from conftest import PROGRAM, eventually
from proxy_setup import ARN, IDENTITIES, KEY, Recorder, free_port, listens
from proxy_upstreams import Scripted, answer
from test_failing_disk import failing  # noqa: F401 (a fixture)
from test_full_disk import MIB, disk  # noqa: F401 (a fixture)
from wire import make_token

SEED = 20261202
CLIENTS = 8
UNKNOWN = "TrailkeepOutcomeUnknown"
# A signature that names its key; what stands behind it is the upstream's business.
SIGNED = {
    "Authorization": f"AWS4-HMAC-SHA256 Credential={KEY}/20261201/us-east-1/s3/aws4_request, SignedHeaders=host;x-amz-date, Signature={'0' * 64}",
    "X-Amz-Date": "20261201T000000Z",
}


def unique(request, connection):
    return answer(id=uuid.uuid4().hex[:16].upper(), body=b"content" if request.method == "GET" else b"")


@pytest.fixture
def upstream():
    upstream = Scripted(unique)
    yield upstream
    upstream.stop()


@pytest.fixture
def make_recorder(tmp_path):
    made = []

    def make(upstreams, folder=None, **settings):
        server = Recorder(folder or tmp_path / f"trailkeep{len(made)}", upstreams, **settings)
        made.append(server)
        return server.start().keep_everything()

    yield make
    for server in made:
        if server.process and server.process.poll() is None:
            server.kill()


def call(port, method, path, body=b"", headers=(), seconds=30):
    """One call on a connection of its own: status, headers, body."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=seconds)
    try:
        connection.request(method, path, body, {**SIGNED, **dict(headers)})
        got = connection.getresponse()
        return got.status, got.headers, got.read()
    finally:
        connection.close()


class Load:
    """Clients that write one object after the other; notes what they asked for and what was answered."""

    def __init__(self, port, method="PUT"):
        self.port, self.method, self.stopped = port, method, threading.Event()
        self.asked, self.answered, self.lock = set(), set(), threading.Lock()
        self.threads = [threading.Thread(target=self.run, args=(number,), daemon=True) for number in range(CLIENTS)]
        for thread in self.threads:
            thread.start()

    def run(self, number):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        while not self.stopped.is_set():
            key = f"{self.method.lower()}-{number}-{uuid.uuid4().hex}"
            with self.lock:
                self.asked.add(key)
            try:
                connection.request(self.method, f"/ledger/{key}", b"x" * 100 if self.method == "PUT" else None, SIGNED)
                got = connection.getresponse()
                got.read()
            except (OSError, http.client.HTTPException):
                return
            if got.status == 200:
                with self.lock:
                    self.answered.add(key)

    def await_answers(self, count):
        eventually(lambda: len(self.answered) >= count, 60)

    def end(self):
        self.stopped.set()
        for thread in self.threads:
            thread.join(60)


def by_key(server):
    """The records of objects by key."""
    found = collections.defaultdict(list)
    for record in server.records():
        key = (record.get("requestParameters") or {}).get("key")
        if key:
            found[key].append(record)
    return found


# --- kill -9 ---


@pytest.mark.parametrize("on_failure, methods", [("refuse", ["PUT"]), ("strict", ["PUT", "GET"])])
def test_after_a_kill_every_answered_call_is_recorded_once(make_recorder, upstream, on_failure, methods):
    chance = random.Random(SEED)
    print(f"seed {SEED}")
    server = make_recorder({"s3": {"upstream": upstream.url, "service": "s3", "on_failure": on_failure}})
    answered, asked = set(), set()
    for _ in range(3):
        loads = [Load(server.ports["s3"], method) for method in methods]
        for load in loads:
            load.await_answers(chance.randint(50, 250))
        server.kill()
        for load in loads:
            load.end()
            answered |= load.answered
            asked |= load.asked
        server.start()
    reached = {path.rpartition("/")[2] for path in upstream.paths()}
    writes = {key for key in reached if key.startswith("put-")}
    found = eventually(lambda: (lambda found: found if answered | writes <= set(found) else None)(by_key(server)), 60)
    assert set(found) <= asked
    twice = {key: records for key, records in found.items() if len(records) > 1}
    assert not twice, twice
    for key, [record] in found.items():
        unknown = record.get("errorCode") == UNKNOWN
        assert not (unknown and key in answered), record
        assert unknown or "errorCode" not in record, record
        assert record["eventName"] == ("PutObject" if key.startswith("put-") else "GetObject") and record["userIdentity"]["arn"] == ARN
    ids = [record["eventID"] for records in found.values() for record in records]
    assert len(ids) == len(set(ids))


def test_a_write_that_was_not_answered_before_a_kill_is_recorded_as_unknown(make_recorder, upstream):
    hold = threading.Event()
    upstream.script = lambda request, connection: hold.wait(60) and None
    server = make_recorder({"s3": {"upstream": upstream.url, "service": "s3"}})
    thread = threading.Thread(target=lambda: pytest.raises(Exception, call, server.ports["s3"], "PUT", "/ledger/in-doubt", b"x"), daemon=True)
    thread.start()
    eventually(lambda: "/ledger/in-doubt" in upstream.paths())
    server.kill()
    hold.set()
    server.start()
    [record] = server.await_records(1, eventName="PutObject")
    assert record["errorCode"] == UNKNOWN and record["errorMessage"] and record["responseElements"] is None, record
    assert record["requestParameters"]["key"] == "in-doubt" and record["userIdentity"]["arn"] == ARN and record["readOnly"] is False
    assert {resource["type"] for resource in record["resources"]} == {"AWS::S3::Object", "AWS::S3::Bucket"}
    server.stop()
    server.start()
    [again] = server.await_records(1, eventName="PutObject")
    assert again == record, "it is told once"


def test_a_stop_lets_calls_under_way_come_to_their_end(make_recorder, upstream):
    going, go = threading.Event(), threading.Event()

    def slowly(request, connection):
        going.set()
        assert go.wait(30)
        return unique(request, connection)

    upstream.script = slowly
    server = make_recorder({"s3": {"upstream": upstream.url, "service": "s3"}})
    statuses = []
    thread = threading.Thread(target=lambda: statuses.append(call(server.ports["s3"], "PUT", "/ledger/last", b"x")[0]))
    thread.start()
    assert going.wait(30)
    stopping = threading.Thread(target=server.stop)
    stopping.start()
    eventually(lambda: not listens(server.ports["s3"]))
    go.set()
    thread.join(30)
    stopping.join(60)
    assert statuses == [200] and server.process.poll() == 0
    server.start()
    [record] = server.await_records(1, eventName="PutObject")
    assert "errorCode" not in record


# --- disks ---


def fill(disk, left):
    """Takes the disk's room but for `left` bytes."""
    ballast = disk / "ballast"
    with ballast.open("ab") as file:
        while shutil.disk_usage(disk).free > left + MIB:
            file.write(b"\1" * MIB)
            file.flush()
    return ballast


def test_a_full_disk_refuses_calls_before_the_upstream_or_lets_them_pass_and_tells_the_gap(make_recorder, upstream, disk):  # noqa: F811
    proxies = {"refusing": {"upstream": upstream.url, "service": "s3"}, "passing": {"upstream": upstream.url, "service": "s3", "on_failure": "pass"}}
    server = make_recorder(proxies, disk / "trailkeep")
    put = lambda name, key: call(server.ports[name], "PUT", f"/ledger/{key}", b"x")
    assert put("refusing", "before")[0] == put("passing", "before")[0] == 200
    ballast = fill(disk, 500 * MIB)
    status, headers, body = eventually(lambda: (lambda got: got if got[0] != 200 else None)(put("refusing", f"probe-{uuid.uuid4().hex}")))
    assert (status, bool(headers["Retry-After"])) == (503, True) and b"<Code>ServiceUnavailable</Code>" in body, body
    reached = len(upstream.paths())
    for method in ("PUT", "GET", "DELETE"):
        assert call(server.ports["refusing"], method, "/ledger/refused", b"x" if method == "PUT" else b"")[0] == 503
    assert len(upstream.paths()) == reached, "what is refused never reaches the upstream"
    passed = [put("passing", f"passed-{n}")[0] for n in range(7)]
    passed.append(call(server.ports["passing"], "GET", "/ledger/passed-0")[0])
    assert passed == [200] * 8 and len(upstream.paths()) == reached + 8
    # Reads are counted after they were answered.
    eventually(lambda: server.metrics().get("trailkeep_proxy_gap_calls_total") == 8)
    ballast.unlink()
    eventually(lambda: put("refusing", "after")[0] == 200)
    [gap] = server.await_records(1, eventName="RecordingGap")
    details = gap["serviceEventDetails"]
    assert gap["eventType"] == "AwsServiceEvent" and (details["calls"], details["reads"], details["writes"]) == (8, 1, 7), gap
    assert details["from"] <= details["until"] and details["reason"]
    assert put("passing", "again")[0] == 200
    keys = eventually(lambda: (lambda found: found if {"before", "after", "again"} <= set(found) else None)(by_key(server)))
    assert not [key for key in keys if key.startswith("passed-") or key == "refused"]


def test_a_sync_that_fails_after_the_call_leaves_its_outcome_unknown(make_recorder, upstream, failing):  # noqa: F811
    flag, environment = failing

    def fails_meanwhile(request, connection):
        flag.touch()
        return unique(request, connection)

    server = make_recorder({"s3": {"upstream": upstream.url, "service": "s3"}}, environment=environment)
    assert call(server.ports["s3"], "PUT", "/ledger/before", b"x")[0] == 200
    upstream.script = fails_meanwhile
    status, _, body = call(server.ports["s3"], "PUT", "/ledger/lost", b"x")
    assert status == 503 and b"ServiceUnavailable" in body
    reached = len(upstream.paths())
    # The journal is not to be trusted until a restart: nothing goes on.
    flag.unlink()
    assert call(server.ports["s3"], "PUT", "/ledger/later", b"x")[0] == 503
    assert len(upstream.paths()) == reached
    server.kill()
    upstream.script = unique
    server.start()
    assert call(server.ports["s3"], "PUT", "/ledger/after", b"x")[0] == 200
    found = eventually(lambda: (lambda found: found if {"before", "lost", "after"} <= set(found) else None)(by_key(server)))
    assert {key: len(records) for key, records in found.items()} == {"before": 1, "lost": 1, "after": 1}
    [lost] = found["lost"]
    # Whether the frame of the record reached the disk before its sync failed is the disk's secret.
    assert lost.get("errorCode") in (UNKNOWN, None)


# --- a proxy of its own ---


class Standalone:
    """`trailkeep proxy` in front of an upstream, recording over the wire."""

    def __init__(self, folder, upstream, server, token, *flags):
        folder.mkdir(exist_ok=True)
        (folder / "token").write_text(token)
        (folder / "identities.toml").write_text(IDENTITIES)
        self.port, self.folder = free_port(), folder
        self.command = [
            PROGRAM, "proxy", "--listen", f"127.0.0.1:{self.port}", "--upstream", upstream, "--record-to", server.url, "--token-file", str(folder / "token"),
            "--data-dir", str(folder / "data"), "--identities", str(folder / "identities.toml"), "--record-data-events", "true", "--service", "s3", *flags,
        ]
        self.start()

    def start(self):
        self.log = (self.folder / "log").open("ab")
        self.process = subprocess.Popen(self.command, stdout=self.log, stderr=self.log)
        try:
            eventually(lambda: listens(self.port) or self.process.poll() is not None)
            assert self.process.poll() is None
        except AssertionError as never:
            raise AssertionError((self.folder / "log").read_text()[-2000:]) from never

    def kill(self):
        self.process.kill()
        self.process.wait()


@pytest.fixture
def make_standalone():
    made = []

    def make(*arguments):
        made.append(Standalone(*arguments))
        return made[-1]

    yield make
    for one in made:
        one.kill()


@pytest.fixture
def receiving(tmp_path):
    """A server without proxies, and a token to record with."""
    (tmp_path / "receiving").mkdir()
    server = Recorder(tmp_path / "receiving", {}).start().keep_everything()
    yield server, make_token(server, "--ingest")
    if server.process.poll() is None:
        server.kill()


def test_a_proxy_of_its_own_records_whether_its_server_is_there_or_not(receiving, make_standalone, upstream, tmp_path):
    server, token = receiving
    proxy = make_standalone(tmp_path / "proxy", upstream.url, server, token)
    keys = [f"there-{n}" for n in range(20)]
    for key in keys:
        assert call(proxy.port, "PUT", f"/ledger/{key}", b"x")[0] == 200
    eventually(lambda: set(keys) <= set(by_key(server)))
    server.kill()
    for n in range(50):
        keys.append(f"away-{n}")
        assert call(proxy.port, "PUT", f"/ledger/away-{n}", b"x")[0] == 200
    proxy.kill()
    proxy.start()
    for n in range(50):
        keys.append(f"restarted-{n}")
        assert call(proxy.port, "PUT", f"/ledger/restarted-{n}", b"x")[0] == 200
    server.start()
    found = eventually(lambda: (lambda found: found if set(keys) <= set(found) else None)(by_key(server)), 90)
    assert {key: len(records) for key, records in found.items()} == {key: 1 for key in keys}
    assert all(records[0]["userIdentity"]["arn"] == ARN and "errorCode" not in records[0] for records in found.values())


def test_a_proxy_of_its_own_is_killed_under_load_and_loses_nothing(receiving, make_standalone, upstream, tmp_path):
    server, token = receiving
    proxy = make_standalone(tmp_path / "proxy", upstream.url, server, token)
    answered, asked = set(), set()
    for count in (120, 200):
        load = Load(proxy.port)
        load.await_answers(count)
        proxy.kill()
        load.end()
        answered |= load.answered
        asked |= load.asked
        proxy.start()
    reached = {path.rpartition("/")[2] for path in upstream.paths()}
    found = eventually(lambda: (lambda found: found if answered | reached <= set(found) else None)(by_key(server)), 90)
    assert set(found) <= asked
    assert all(len(records) == 1 for records in found.values())
    assert not [key for key in answered if found[key][0].get("errorCode")]


def test_a_proxy_of_its_own_refuses_when_its_journal_has_no_room(receiving, make_standalone, upstream, tmp_path, disk):  # noqa: F811
    server, token = receiving
    proxy = make_standalone(disk / "proxy", upstream.url, server, token)
    assert call(proxy.port, "PUT", "/ledger/before", b"x")[0] == 200
    ballast = fill(disk, 500 * MIB)
    eventually(lambda: call(proxy.port, "PUT", f"/ledger/probe-{uuid.uuid4().hex}", b"x")[0] == 503)
    reached = len(upstream.paths())
    assert call(proxy.port, "PUT", "/ledger/refused", b"x")[0] == 503 and len(upstream.paths()) == reached
    ballast.unlink()
    eventually(lambda: call(proxy.port, "PUT", "/ledger/after", b"x")[0] == 200)
    found = eventually(lambda: (lambda found: found if {"before", "after"} <= set(found) else None)(by_key(server)), 60)
    assert "refused" not in found
    proxy.kill()
