"""Upstreams: one that does what it is told with each request, a whole S3 server of our own, and one that others made."""

import re
import shutil
import socket
import subprocess
import threading
import uuid
from pathlib import Path

from conftest import Server, eventually
from proxy_setup import KEY, SECRET, free_port, listens

# What Ceph's gateway and the smallest cluster under it are told: one monitor, one store in memory.
CEPH_CONFIG = """
[global]
fsid = {fsid}
mon host = [v2:127.0.0.1:{mon_port}]
public addr = 127.0.0.1
keyring = {folder}/keyring
run dir = {folder}
admin socket = {folder}/$name.asok
log file = {folder}/$name.log
mon data = {folder}/mon
osd data = {folder}/osd
osd objectstore = memstore
memstore device bytes = 4294967296
osd crush chooseleaf type = 0
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
mon allow pool size one = true
mon max pg per osd = 1000
rgw data = {folder}/rgw
rgw dns name = {domain}
rgw frontends = beast endpoint=127.0.0.1:{port}
"""
CEPH_PROGRAMS = ("ceph", "ceph-authtool", "ceph-mon", "ceph-osd", "monmaptool", "radosgw", "radosgw-admin")


def own_buckets(folder: Path, keys=(KEY, SECRET)):
    """A second Trailkeep, whose buckets stand for somebody's S3 server."""
    folder.mkdir(exist_ok=True)
    return Server(folder, environment={"TRAILKEEP_ACCESS_KEY_ID": keys[0], "TRAILKEEP_SECRET_ACCESS_KEY": keys[1]}).start()


def has_ceph():
    return all(shutil.which(program) for program in CEPH_PROGRAMS)


class Ceph:
    """The S3 gateway of Ceph: a server that we have no part in. It calls a bucket by its path, or by a host under `domain`."""

    def __init__(self, folder: Path, keys=(KEY, SECRET), domain="s3.example.com"):
        self.port, self.folder, self.processes = free_port(), folder, []
        self.url = f"http://127.0.0.1:{self.port}"
        mon_port, fsid, disk = free_port(), str(uuid.uuid4()), str(uuid.uuid4())
        for name in ("mon", "osd", "rgw"):
            (folder / name).mkdir()
        (folder / "ceph.conf").write_text(CEPH_CONFIG.format(fsid=fsid, folder=folder, mon_port=mon_port, port=self.port, domain=domain))
        keyring, monmap = folder / "keyring", folder / "monmap"
        everything = ["--cap", "mon", "allow *", "--cap", "osd", "allow *"]
        for name in ("mon.", "client.admin", "osd.0"):
            made = [] if keyring.exists() else ["--create-keyring"]
            self.run("ceph-authtool", keyring, *made, "--gen-key", "--name", name, *everything, config=False)
        self.run("monmaptool", "--create", "--addv", "a", f"[v2:127.0.0.1:{mon_port}]", "--fsid", fsid, monmap, config=False)
        self.run("ceph-mon", "--mkfs", "--id", "a", "--monmap", monmap, "--keyring", keyring)
        self.serve("ceph-mon", "--id", "a")
        self.run("ceph", "osd", "new", disk, "0")
        self.run("ceph-osd", "--mkfs", "--id", "0", "--osd-uuid", disk)
        self.serve("ceph-osd", "--id", "0")
        gateway = self.serve("radosgw", "--name", "client.admin")
        self.run("radosgw-admin", "user", "create", "--uid", "scenarios", "--display-name", "Scenarios", "--access-key", keys[0], "--secret-key", keys[1])
        eventually(lambda: gateway.poll() is not None or listens(self.port), 60)
        assert gateway.poll() is None, (folder / "radosgw.out").read_text()

    def run(self, program, *arguments, config=True):
        command = [program, *(["--conf", self.folder / "ceph.conf"] if config else []), *arguments]
        done = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, f"{command}: {done.stderr}"

    def serve(self, program, *arguments):
        with (self.folder / f"{program}.out").open("w") as output:
            command = [program, "--conf", str(self.folder / "ceph.conf"), "--foreground", *arguments]
            self.processes.append(subprocess.Popen(command, stdout=output, stderr=output))
        return self.processes[-1]

    def kill(self):
        for process in reversed(self.processes):
            process.kill()
            process.wait()


class Request:
    """What the upstream received of a request."""

    def __init__(self, head, body):
        self.head, self.body = head, body
        line, *fields = head.decode("latin-1").split("\r\n")
        self.method, self.path, _ = line.split(" ")
        self.fields = [(name, value.strip(" \t")) for name, _, value in (field.partition(":") for field in fields if field)]

    def header(self, name):
        values = [value for field, value in self.fields if field.lower() == name.lower()]
        assert len(values) <= 1, (name, values)
        return values[0] if values else None


def answer(status=200, body=b"", headers=(), id="UPSTREAM0000000"):
    fields = "".join(f"{name}: {value}\r\n" for name, value in headers)
    return f"HTTP/1.1 {status} Said\r\nx-amz-request-id: {id}\r\n{fields}Content-Length: {len(body)}\r\n\r\n".encode("latin-1") + body


class Scripted:
    """An upstream over bare sockets. `script(request, connection)` says what is sent: bytes, or None to close at once.
    It notes every request, and on which connection it came."""

    def __init__(self, script=lambda request, connection: answer()):
        self.script = script
        self.requests = []
        self.connections = 0
        self.lock = threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", free_port()), backlog=256)
        self.port = self.listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with self.lock:
                self.connections += 1
                number = self.connections
            threading.Thread(target=self.serve, args=(connection, number), daemon=True).start()

    def serve(self, connection, number):
        with connection:
            received = b""
            try:
                while True:
                    request, received = read_request(connection, received)
                    if request is None:
                        return
                    request.connection = number
                    with self.lock:
                        self.requests.append(request)
                    said = self.script(request, connection)
                    if said is None:
                        return
                    connection.sendall(said)
                    if request.header("Connection") == "close":
                        return
            except OSError:
                return

    def paths(self):
        with self.lock:
            return [request.path for request in self.requests]

    def forget(self):
        with self.lock:
            self.requests.clear()

    def stop(self):
        self.listener.close()


def read_request(connection, received):
    """A whole request and what came after it; asks for the body where the client waits to be asked."""
    while b"\r\n\r\n" not in received:
        piece = connection.recv(65536)
        if not piece:
            return None, b""
        received += piece
    head, _, rest = received.partition(b"\r\n\r\n")
    if re.search(rb"(?im)^expect: *100-continue", head):
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
    if re.search(rb"(?im)^transfer-encoding: *chunked", head):
        body, rest = read_chunks(connection, rest)
    else:
        length = re.search(rb"(?im)^content-length: *(\d+)", head)
        length = int(length[1]) if length else 0
        pieces, have = [rest], len(rest)
        while have < length:
            piece = connection.recv(1 << 20)
            if not piece:
                return None, b""
            pieces.append(piece)
            have += len(piece)
        whole = b"".join(pieces)
        body, rest = whole[:length], whole[length:]
    return Request(head, body), rest


def read_chunks(connection, received):
    body = b""
    while True:
        while b"\r\n" not in received:
            received += more(connection)
        size, _, received = received.partition(b"\r\n")
        size = int(size.split(b";")[0], 16)
        while len(received) < size + 2:
            received += more(connection)
        body, received = body + received[:size], received[size:]
        if size == 0:
            # Trailers up to the empty line.
            while b"\r\n\r\n" not in b"\r\n" + received[:2] and b"\r\n\r\n" not in received:
                received += more(connection)
            if received.startswith(b"\r\n"):
                return body, received[2:]
            return body, received.partition(b"\r\n\r\n")[2]
        received = received[2:]


def more(connection):
    piece = connection.recv(65536)
    if not piece:
        raise ConnectionResetError
    return piece
