"""A disk that is full: what is acknowledged is kept, reads go on, and everything resumes by itself when there is room."""

import shutil
import subprocess

import pytest

from conftest import Server, eventually
from wire import found, make_token, post_events, record, send

MIB = 1 << 20
# The journal refuses events below 512 MiB of free space; the rest of this disk is what fits before.
DISK = 900 * MIB
ROOM = 40 * MIB


@pytest.fixture
def disk(tmp_path):
    """A small disk of its own, which only root can make."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", disk], capture_output=True, text=True)
    if mounted.returncode != 0:
        pytest.skip(f"a disk cannot be mounted here: {mounted.stderr}")
    yield disk
    subprocess.run(["umount", "--lazy", disk], check=True)


@pytest.fixture
def server(disk):
    server = Server(disk).start()
    yield server
    server.kill()


def ready(server):
    return send(server, "GET", "/healthz/ready").status == 200


def test_a_full_disk_refuses_events_loses_none_and_recovers(server, disk):
    token = make_token(server, "--ingest")
    acknowledged = set()

    def post():
        batch = [record(userAgent="x" * 1000) for _ in range(200)]
        answer = post_events(server, batch, token)
        if answer.status == 200:
            assert answer.json["accepted"] == len(batch), answer
            acknowledged.update(event["eventID"] for event in batch)
        return answer

    assert post().status == 200
    ballast = disk / "ballast"
    free = shutil.disk_usage(disk).free
    with ballast.open("wb") as file:
        for _ in range((free - 512 * MIB - ROOM) // MIB):
            file.write(b"\1" * MIB)
    for _ in range(3 * ROOM // (200 * 1250)):
        answer = post()
        if answer.status != 200:
            break
    assert (answer.status, answer.code) == (503, "ServiceUnavailable"), answer
    assert answer.headers["Retry-After"]
    assert not ready(server)
    assert send(server, "GET", "/healthz").status == 200

    # What is there can still be looked up, and the program says how it is.
    assert {event["EventId"] for event in found(server, "EventName", "TestEvent")} == acknowledged
    assert server.aws("cloudtrail", "describe-trails") == {"trailList": []}
    metrics = send(server, "GET", "/metrics").body.decode()
    assert "trailkeep_journal_disk_full 1" in metrics

    # Truly full: nothing breaks that was not broken.
    full = disk / "full"
    with pytest.raises(OSError):
        with full.open("wb") as file:
            while True:
                file.write(b"\1" * MIB)
    assert post().status == 503
    refused = server.aws("cloudtrail", "create-trail", "--name", "trail-one", "--s3-bucket-name", "nowhere", check=False)
    assert refused.returncode != 0

    full.unlink()
    ballast.unlink()
    eventually(lambda: ready(server))
    assert post().status == 200
    eventually(lambda: {event["EventId"] for event in found(server, "EventName", "TestEvent")} == acknowledged)
    server.kill()
    server.start()
    events = [event["EventId"] for event in found(server, "EventName", "TestEvent")]
    assert set(events) == acknowledged and len(events) == len(acknowledged)
