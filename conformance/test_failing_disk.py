"""A disk whose sync fails: the journal stops for good, says so, and a restart recovers. The system call itself is made to
fail, under the real program."""

import shutil
import subprocess

import pytest

from conftest import Server, eventually
from wire import found, make_token, post_events, record, send

# Stands before the C library: syncs of the journal fail while the file exists.
FAILING_SYNC = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int fails(int fd) {
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    const char *flag = getenv("FAILING_SYNC");
    return flag && access(flag, F_OK) == 0 && strstr(path, "/journal/") != NULL;
}

int fdatasync(int fd) {
    int (*real)(int) = dlsym(RTLD_NEXT, "fdatasync");
    if (fails(fd)) { errno = EIO; return -1; }
    return real(fd);
}

int fsync(int fd) {
    int (*real)(int) = dlsym(RTLD_NEXT, "fsync");
    if (fails(fd)) { errno = EIO; return -1; }
    return real(fd);
}
"""


@pytest.fixture
def failing(tmp_path):
    """The file whose presence makes syncs fail, and the environment in which it does."""
    compiler = shutil.which("cc")
    if not compiler:
        pytest.skip("no C compiler")
    source, library, flag = tmp_path / "sync.c", tmp_path / "sync.so", tmp_path / "failing"
    source.write_text(FAILING_SYNC)
    subprocess.run([compiler, "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
    return flag, {"LD_PRELOAD": str(library), "FAILING_SYNC": str(flag)}


def test_a_failed_sync_stops_the_journal_until_a_restart(tmp_path, failing):
    flag, environment = failing
    server = Server(tmp_path / "server", environment=environment)
    (tmp_path / "server").mkdir()
    server.start()
    try:
        token = make_token(server, "--ingest")
        first, lost, later = ([record() for _ in range(10)] for _ in range(3))
        assert post_events(server, first, token).json["accepted"] == 10

        flag.touch()
        answer = post_events(server, lost, token)
        assert (answer.status, answer.code) == (503, "ServiceUnavailable"), answer
        flag.unlink()
        # The disk is well again, but what the failed sync was to have written may be gone: nothing is taken any more.
        assert post_events(server, later, token).status == 503
        assert send(server, "GET", "/healthz/ready").status == 503
        assert "trailkeep_journal_poisoned 1" in send(server, "GET", "/metrics").body.decode()
        refused = server.aws("s3", "mb", "s3://never-made", check=False)
        assert refused.returncode != 0
        assert {event["EventId"] for event in found(server, "EventName", "TestEvent")} >= {event["eventID"] for event in first}

        server.stop()
        server.start()
        eventually(lambda: send(server, "GET", "/healthz/ready").status == 200)
        assert post_events(server, later, token).json["accepted"] == 10
        wanted = {event["eventID"] for event in [*first, *later]}
        events = eventually(lambda: has_all(server, wanted))
        assert len(events) == len(set(events))
    finally:
        server.kill()


def has_all(server, wanted):
    events = [event["EventId"] for event in found(server, "EventName", "TestEvent")]
    return events if wanted <= set(events) else None
