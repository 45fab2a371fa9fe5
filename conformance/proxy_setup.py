"""What the scenarios of the recording proxy share: upstreams, a Trailkeep in front of them, and the records it made."""

import http.client
import json
import shutil
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import boto3
from botocore.config import Config

from conftest import Server, eventually

ACCOUNT = "123456789012"
# The one caller of most scenarios: long-lived keys that `identities` maps to a user.
KEY, SECRET = "AKIAPROXYEXAMPLE0001", "proxy-secret-0001-never-in-a-record"
USER = "erin"
ARN = f"arn:aws:iam::{ACCOUNT}:user/{USER}"
IDENTITIES = f"""
[[identity]]
access_key_id = "{KEY}"
arn = "{ARN}"
account = "{ACCOUNT}"
user_name = "{USER}"
"""
HIDDEN = "HIDDEN_DUE_TO_SECURITY_REASONS"
# Every type of resource whose data events a scenario asks for.
DATA_TYPES = [
    "AWS::S3::Object", "AWS::DynamoDB::Table", "AWS::Lambda::Function", "AWS::SNS::Topic", "AWS::SQS::Queue", "AWS::Kinesis::Stream",
    "AWS::KinesisFirehose::DeliveryStream", "AWS::Logs::LogGroup", "AWS::Events::EventBus", "AWS::StepFunctions::StateMachine",
    "AWS::CloudWatch::Metric", "AWS::SSM::ManagedNode", "AWS::Cognito::IdentityPool", "AWS::SES::EmailIdentity", "AWS::XRay::Trace",
]
OWN_CALL, GAP = '"eventSource":"cloudtrail.amazonaws.com"', '"eventName":"RecordingGap"'
# An event data store has at most so many selectors.
SELECTORS_MAX = 5


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def listens(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Moto:
    """A moto server of its own: AWS as far as moto has it. With one seed it makes the same ids for the same calls."""

    def __init__(self, folder: Path):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = folder / f"moto-{self.port}.log"
        program = shutil.which("moto_server", path=str(Path(sys.executable).parent))
        with self.log.open("w") as log:
            self.process = subprocess.Popen([program, "-p", str(self.port)], stdout=log, stderr=log)
        eventually(lambda: listens(self.port), 60)
        # Functions and state machines answer without running anything.
        self.post("/moto-api/config", {"lambda": {"use_docker": False}, "batch": {"use_docker": False}})

    def post(self, path, document=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request("POST", path, json.dumps(document or {}), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        assert answer.status in (200, 201), (answer.status, answer.read())
        connection.close()

    def seed(self, seed):
        self.post(f"/moto-api/seed?a={seed}")

    def reset(self):
        self.post("/moto-api/reset")

    def stop(self):
        self.process.kill()
        self.process.wait()


def entry(port, upstream, **settings):
    """A `[[proxy]]` entry; `identities` is a path."""
    settings = {"listen": f"127.0.0.1:{port}", "upstream": upstream, "record_data_events": True, **settings}
    return "[[proxy]]\n" + "".join(f"{name} = {json.dumps(value)}\n" for name, value in settings.items() if value is not None)


class Recorder(Server):
    """A Trailkeep with proxies: `upstreams` is name → URL, or name → settings with `upstream` among them."""

    def __init__(self, folder: Path, upstreams, *flags, identities=IDENTITIES, config="", environment=None):
        folder.mkdir(exist_ok=True)
        (folder / "identities.toml").write_text(identities)
        self.ports, self.stores, entries = {}, [], []
        for name, settings in upstreams.items():
            settings = {"upstream": settings} if isinstance(settings, str) else dict(settings)
            settings.setdefault("identities", str(folder / "identities.toml"))
            self.ports[name] = free_port()
            entries.append(entry(self.ports[name], settings.pop("upstream"), **settings))
        super().__init__(folder, *flags, config=config + "\n".join(entries), environment=environment)

    def start(self):
        super().start()
        eventually(lambda: all(listens(port) for port in self.ports.values()))
        return self

    def proxy(self, name):
        return f"http://127.0.0.1:{self.ports[name]}"

    def keep_everything(self, kinds=("AWS::S3::Object",)):
        """Makes the event data stores that the scenarios read records from: management events, and data events on `kinds`."""
        client = self.client("cloudtrail")
        selectors = [[{"Field": "eventCategory", "Equals": ["Management"]}]]
        selectors += [[{"Field": "eventCategory", "Equals": ["Data"]}, {"Field": "resources.type", "Equals": [kind]}] for kind in kinds]
        for at in range(0, len(selectors), SELECTORS_MAX):
            chosen = [{"FieldSelectors": fields} for fields in selectors[at:at + SELECTORS_MAX]]
            name = f"everything-{at // SELECTORS_MAX}"
            made = client.create_event_data_store(Name=name, AdvancedEventSelectors=chosen, TerminationProtectionEnabled=False)["EventDataStoreArn"]
            eventually(lambda made=made: client.get_event_data_store(EventDataStore=made)["Status"] == "ENABLED")
            self.stores.append(name)
        return self

    def texts(self):
        """All records of the stores, as the bytes they have, without those of Trailkeep's own calls of CloudTrail. What two
        stores have is told once, what one has twice is told twice."""
        told, before = [], set()
        for store in self.stores:
            done = self.trailkeep("export", "--event-data-store", store, "--format", "ndjson")
            assert done.returncode == 0, done.stderr
            lines = [line for line in done.stdout.splitlines() if OWN_CALL not in line or GAP in line]
            lines = [line for line in lines if line not in before]
            before.update(lines)
            told += lines
        return told

    def records(self, **members):
        """The records that have these members."""
        records = map(json.loads, self.texts())
        return [record for record in records if all(record.get(name) == value for name, value in members.items())]

    def await_records(self, count=1, seconds=30, **members):
        """The records that have these members, once there are as many; more are a failure."""
        found = eventually(lambda: (lambda records: records if len(records) >= count else None)(self.records(**members)), seconds)
        assert len(found) == count, found
        return found

    def await_ids(self, ids, seconds=60, member="requestID"):
        """Text and record by requestID, or by another member, once all of `ids` are there; each is there once. `ids` may say
        what they are of."""
        ids = ids if isinstance(ids, dict) else {id: id for id in ids}

        def complete():
            found = {}
            for text in self.texts():
                found.setdefault(json.loads(text).get(member), []).append(text)
            return found if ids.keys() <= found.keys() else None

        try:
            found = eventually(complete, seconds)
        except AssertionError as late:
            there = {json.loads(text).get(member) for text in self.texts()}
            raise AssertionError(f"no record of {[what for id, what in ids.items() if id not in there][:20]}") from late
        twice = {id: texts for id, texts in found.items() if id in ids and len(texts) > 1}
        assert not twice, twice
        return {id: (found[id][0], json.loads(found[id][0])) for id in ids}

    def metrics(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request("GET", "/metrics")
        text = connection.getresponse().read().decode()
        connection.close()
        return {name: float(value) for name, _, value in (line.rpartition(" ") for line in text.splitlines() if line and not line.startswith("#"))}

    def memory_kib(self):
        return resident_kib(self.process.pid)


def resident_kib(pid):
    """What a process has in memory now, and the most it ever had."""
    status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines() if ":" in line)
    return int(status["VmRSS"].split()[0]), int(status["VmHWM"].split()[0])


def client(service, url, region="eu-west-1", keys=(KEY, SECRET), token=None, **config):
    """A boto3 client as anybody makes it, but that it does not try again: each call is made once."""
    s3 = {"addressing_style": "path", **config.pop("s3", {})}
    settings = Config(retries={"max_attempts": 0, "mode": "standard"}, s3=s3, parameter_validation=config.pop("validate", True), **config)
    return boto3.Session(
        aws_access_key_id=keys[0], aws_secret_access_key=keys[1], aws_session_token=token, region_name=region
    ).client(service, endpoint_url=url, config=settings)


@dataclass
class Exchange:
    """What went over the wire for one call, as botocore sent and got it."""

    method: str = ""
    url: str = ""
    sent: dict = field(default_factory=dict)
    sent_bytes: int = 0
    status: int = 0
    headers: dict = field(default_factory=dict)
    body: bytes = b""
    begun: float = 0.0

    @property
    def request_id(self):
        headers = {name.lower(): value for name, value in self.headers.items()}
        return headers.get("x-amzn-requestid") or headers.get("x-amz-request-id")


def watch(boto):
    """Notes the exchanges of a client; returns the list that they are added to."""
    exchanges = []

    def sent(request, **_):
        length = request.headers.get("Content-Length")
        headers = {name: value.decode() if isinstance(value, bytes) else value for name, value in request.headers.items()}
        exchanges.append(Exchange(request.method, request.url, headers, int(length or 0), begun=time.time()))

    def received(response_dict, **_):
        exchange = exchanges[-1]
        exchange.status, exchange.headers = response_dict["status_code"], dict(response_dict["headers"])
        body = response_dict["body"]
        exchange.body = body if isinstance(body, bytes) else b""

    boto.meta.events.register("before-send.*", sent)
    boto.meta.events.register("before-parse.*", received)
    return exchanges
