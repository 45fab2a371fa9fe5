"""What every scenario needs: a running program, the AWS CLI and boto3 pointed at it."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import boto3
import pytest
from botocore.config import Config

ROOT = Path(__file__).resolve().parent.parent
CORPUS = ROOT.parent / "shared" / "corpus"
PROGRAM = os.environ.get("TRAILKEEP") or shutil.which("trailkeep")
AWS = shutil.which("aws", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
READY_SECONDS_MAX = 60


class Server:
    """One run of `trailkeep serve`; `start` after `stop` or `kill` goes on with the same data."""

    def __init__(self, folder: Path, *flags: str, config: str = "", environment=None):
        self.folder = folder
        self.data = folder / "data"
        self.flags = list(flags)
        self.environment = dict(environment or {})
        self.process = None
        self.port = 0
        self.log = []
        self.clients = {}
        if config:
            (folder / "trailkeep.toml").write_text(config)
            self.flags += ["--config", str(folder / "trailkeep.toml")]

    def start(self):
        # The port of the first run is kept, so that clients made before a restart still work.
        listen = [] if "--listen" in self.flags else ["--listen", f"127.0.0.1:{self.port}"]
        command = [PROGRAM, "serve", "--data-dir", str(self.data), *listen, *self.flags]
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "TRAILKEEP_"))}
        environment.update(self.environment)
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
        threading.Thread(target=self._drain, args=(self.process.stderr,), daemon=True).start()
        line = self._line_to_paste()
        self.url = re.search(r"AWS_ENDPOINT_URL=(\S+)", line).group(1)
        self.credentials = re.search(r"AWS_SHARED_CREDENTIALS_FILE=(\S+)", line).group(1)
        self.port = int(self.url.rsplit(":", 1)[1])
        return self

    def _drain(self, stream):
        for line in stream:
            self.log.append(line)

    def _line_to_paste(self):
        deadline = time.monotonic() + READY_SECONDS_MAX
        while time.monotonic() < deadline:
            line = self.process.stdout.readline()
            if line.startswith("export "):
                return line
            if not line and self.process.poll() is not None:
                break
        raise AssertionError(f"the server did not become ready (exit {self.process.poll()}):\n{''.join(self.log)}")

    def stop(self, seconds=30):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(seconds)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def variables(self, region="us-east-1"):
        """The variables that the printed line sets, and no others of AWS."""
        variables = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}
        variables.update(AWS_ENDPOINT_URL=self.url, AWS_SHARED_CREDENTIALS_FILE=self.credentials, AWS_DEFAULT_REGION=region)
        # What was imported is noted per server here, not in the home of whoever runs the tests.
        variables.update(XDG_STATE_HOME=str(self.folder / "state"))
        return variables

    def aws(self, *arguments, region="us-east-1", check=True, text=None):
        """The unmodified AWS CLI. Answers JSON as Python values, other output as text."""
        done = subprocess.run([AWS, *arguments], env=self.variables(region), capture_output=True, text=True, input=text)
        if check:
            assert done.returncode == 0, f"aws {' '.join(arguments)}: {done.stderr}\nserver log:\n{''.join(self.log[-20:])}"
            try:
                return json.loads(done.stdout) if done.stdout.strip() else None
            except json.JSONDecodeError:
                return done.stdout
        return done

    def trailkeep(self, *arguments, region="us-east-1", text=None):
        return subprocess.run([PROGRAM, *arguments], env=self.variables(region), capture_output=True, text=True, input=text)

    def client(self, service, region="us-east-1", **settings):
        keys = dict(line.split(" = ") for line in Path(self.credentials).read_text().splitlines() if " = " in line)
        settings.setdefault("aws_access_key_id", keys["aws_access_key_id"])
        settings.setdefault("aws_secret_access_key", keys["aws_secret_access_key"])
        made = (service, region, self.url, *sorted(settings.items()))
        if made not in self.clients:
            config = Config(retries={"max_attempts": 1}, s3={"addressing_style": "path"})
            self.clients[made] = boto3.client(service, region_name=region, endpoint_url=self.url, config=config, **settings)
        return self.clients[made]


def eventually(what, seconds=30):
    """Waits until `what()` is true and returns it; a condition, never a fixed time."""
    deadline = time.monotonic() + seconds
    while True:
        value = what()
        if value or time.monotonic() > deadline:
            assert value, f"did not happen within {seconds} s: {what}"
            return value
        time.sleep(0.05)


@pytest.fixture
def make_server(tmp_path):
    servers = []

    def make(*flags, **settings):
        folder = tmp_path / f"server{len(servers)}"
        folder.mkdir()
        server = Server(folder, *flags, **settings)
        servers.append(server)
        return server.start()

    yield make
    for server in servers:
        if server.process and server.process.poll() is None:
            server.kill()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A server shared by the scenarios of one file; intervals of seconds."""
    server = Server(
        tmp_path_factory.mktemp("server"), "--trails-delivery-interval", "1s", "--trails-digest-interval", "3s"
    ).start()
    yield server
    server.kill()


@pytest.fixture(scope="session")
def corpus():
    if not CORPUS.is_dir():
        pytest.skip("the corpus of real events is not here")
    return CORPUS
