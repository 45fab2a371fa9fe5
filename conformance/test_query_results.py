"""Results of queries that are delivered to a bucket, and what proves that nothing of them was changed."""

import csv
import datetime
import gzip
import http.server
import io
import json
import random
import threading
import urllib.error
import urllib.request

import pytest

from conftest import Server, eventually
from test_destinations import moto, moto_s3  # noqa: F401
from test_queries import COUNT, default_store, ended, finished, rows, start
from verification import Invalid, verify_manifest, verify_query_results
from wire import ACCOUNT, kept, post_events, record, refused

SEED = 20261121


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    # Without the lock files can be altered, which is what is to be found out.
    server = Server(tmp_path_factory.mktemp("results"), "--buckets-lock", "0s").start()
    server.store = default_store(server)
    kept(post_events(server, [record(seconds_ago=60 + n, errorMessage='say "hi", twice\nplease' if n % 2 else None) for n in range(COUNT)]), COUNT)
    server.aws("s3", "mb", "s3://results")
    yield server
    server.kill()


def delivered(server, statement, uri="s3://results", client=None):
    """The description of a query whose delivery has ended."""
    query_id = start(server, statement, client, DeliveryS3Uri=uri)
    ended(server, query_id)
    client = client or server.client("cloudtrail")

    def described():
        told = client.describe_query(QueryId=query_id)
        return told if told["DeliveryStatus"] != "PENDING" else None

    return eventually(described, 90)


def folder(told, prefix=""):
    day = told["QueryStatistics"]["CreationTime"].astimezone(datetime.UTC).strftime("%Y/%m/%d")
    return f"{prefix}AWSLogs/{ACCOUNT}/CloudTrail-Lake/Query/{day}/{told['QueryId']}/"


def objects(s3, bucket="results", prefix=""):
    listed = s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", [])
    return {entry["Key"]: s3.get_object(Bucket=bucket, Key=entry["Key"])["Body"].read() for entry in listed}


def table(files):
    """The rows of all result files, header first."""
    text = "".join(gzip.decompress(files[name]).decode() for name in sorted(files) if name.endswith(".csv.gz"))
    return list(csv.reader(io.StringIO(text, newline="")))


@pytest.fixture(scope="module")
def export(lake):
    """A delivered query and its files by name."""
    statement = f"SELECT eventID, eventTime, errorMessage, errorCode FROM {lake.store} WHERE eventSource = 'test.example.com' ORDER BY eventID"
    told = delivered(lake, statement, "s3://results/exports/")
    assert told["DeliveryStatus"] == "SUCCESS" and told["DeliveryS3Uri"] == "s3://results/exports/", told
    prefix = folder(told, "exports/")
    files = {key.removeprefix(prefix): body for key, body in objects(lake.client("s3"), prefix="exports/").items()}
    return told, files


def test_results_lie_where_they_are_said_to_lie(lake, export):
    told, files = export
    assert sorted(files) == ["result_1.csv.gz", "result_sign.json", "trailkeep_manifest.json"]
    header, *lines = table(files)
    assert header == ["eventID", "eventTime", "errorMessage", "errorCode"]
    assert lines == [[value or "" for _, value in row] for row in rows(lake, told["QueryId"])] and len(lines) == COUNT
    head = lake.client("s3").head_object(Bucket="results", Key=folder(told, "exports/") + "result_1.csv.gz")
    assert head["ContentType"] == "application/gzip" and "ContentEncoding" not in head


def test_the_aws_cli_would_call_them_valid(lake, export):
    told, files = export
    cloudtrail = lake.client("cloudtrail")
    signed = verify_query_results(cloudtrail, files.__getitem__)
    assert set(signed) == {"version", "region", "files", "hashAlgorithm", "signatureAlgorithm", "queryCompleteTime", "hashSignature", "publicKeyFingerprint"}
    assert (signed["version"], signed["region"], signed["hashAlgorithm"], signed["signatureAlgorithm"]) == ("1.0", "us-east-1", "SHA-256", "SHA256withRSA")
    manifest = verify_manifest(cloudtrail, files.__getitem__)
    assert (manifest["queryId"], manifest["queryStatement"]) == (told["QueryId"], told["QueryString"])
    assert manifest["eventDataStores"] == [lake.store] and manifest["rows"] == COUNT
    assert manifest["files"] == signed["files"]


def test_every_change_is_found(lake, export):
    _, files = export
    cloudtrail = lake.client("cloudtrail")
    chance = random.Random(SEED)
    csv_file = files["result_1.csv.gz"]

    def changed(name, body):
        return {**files, name: body}

    bad = [changed("result_1.csv.gz", csv_file[:-1]), changed("result_1.csv.gz", gzip.compress(gzip.decompress(csv_file) + b"x\n"))]
    for _ in range(20):
        at = chance.randrange(len(csv_file))
        bad.append(changed("result_1.csv.gz", csv_file[:at] + bytes([csv_file[at] ^ (1 << chance.randrange(8))]) + csv_file[at + 1:]))
    for broken in bad:
        with pytest.raises(Invalid):
            verify_query_results(cloudtrail, broken.__getitem__)
        with pytest.raises(Invalid):
            verify_manifest(cloudtrail, broken.__getitem__)
    for member, value in [("files", []), ("hashSignature", "00" * 256), ("publicKeyFingerprint", "0" * 32)]:
        document = json.dumps({**json.loads(files["result_sign.json"]), member: value}).encode()
        with pytest.raises(Invalid):
            verify_query_results(cloudtrail, changed("result_sign.json", document).__getitem__)
    manifest = json.loads(files["trailkeep_manifest.json"])
    for member, value in [
        ("queryStatement", manifest["queryStatement"] + " "), ("queryId", "0" * 36), ("queryStartTime", "2020-01-01T00:00:00Z"),
        ("rows", COUNT - 1), ("region", "eu-west-1"), ("eventDataStores", []), ("signature", "00" * 256),
        ("files", [{**manifest["files"][0], "fileName": "result_sign.json"}]),
    ]:
        document = json.dumps({**manifest, member: value}).encode()
        with pytest.raises(Invalid):
            verify_manifest(cloudtrail, changed("trailkeep_manifest.json", document).__getitem__)


def test_a_query_without_rows_delivers_its_header(lake):
    told = delivered(lake, f"SELECT eventID FROM {lake.store} WHERE eventID = 'none'", "s3://results/empty")
    prefix = folder(told, "empty/")
    files = {key.removeprefix(prefix): body for key, body in objects(lake.client("s3"), prefix=prefix).items()}
    assert told["DeliveryStatus"] == "SUCCESS" and table(files) == [["eventID"]]
    verify_query_results(lake.client("cloudtrail"), files.__getitem__)


def test_a_place_that_cannot_take_results_is_refused_at_once(lake):
    statement = f"SELECT eventID FROM {lake.store} LIMIT 1"
    for uri, code in [
        ("s3://no-such-bucket-here", "S3BucketDoesNotExistException"), ("s3://10.0.0.1/x", "InvalidS3BucketNameException"),
        ("s3://results/a/../b", "InvalidS3PrefixException"), ("s3://results/" + "a" * 201, "InvalidS3PrefixException"),
        ("http://results", "InvalidParameterException"),
    ]:
        with refused(code):
            start(lake, statement, DeliveryS3Uri=uri)
    lake.aws("s3", "mb", "s3://closed")
    deny = {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Principal": {"Service": "cloudtrail.amazonaws.com"},
                                                    "Action": "s3:PutObject", "Resource": "arn:aws:s3:::closed/*"}]}
    lake.aws("s3api", "put-bucket-policy", "--bucket", "closed", "--policy", json.dumps(deny))
    with refused("InsufficientS3BucketPolicyException"):
        start(lake, statement, DeliveryS3Uri="s3://closed")
    listed = lake.client("cloudtrail").list_queries(EventDataStore=lake.store, MaxResults=5)["Queries"]
    assert all(query["QueryStatus"] != "QUEUED" for query in listed)


def test_a_query_that_is_cancelled_delivers_nothing(lake):
    from test_queries import HEAVY

    client = lake.client("cloudtrail")
    query_id = start(lake, HEAVY.format(lake.store), DeliveryS3Uri="s3://results/cancelled")
    client.cancel_query(QueryId=query_id)
    assert client.describe_query(QueryId=query_id)["DeliveryStatus"] == "CANCELLED"
    assert objects(lake.client("s3"), prefix="cancelled/") == {}


class Flaky(http.server.ThreadingHTTPServer):
    """Stands before an S3 service and refuses the PUTs of objects whose turn is to fail: every other one."""

    daemon_threads = True

    def __init__(self, upstream, fails=lambda turn: turn % 2):
        super().__init__(("127.0.0.1", 0), Forward)
        self.upstream, self.fails, self.puts, self.lock = upstream, fails, 0, threading.Lock()
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Forward(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = self.path.split("?")[0]
        if self.command == "PUT" and "CloudTrail-Lake" in path and not path.endswith("/Query/"):
            with self.server.lock:
                self.server.puts += 1
                fails = self.server.fails(self.server.puts)
            if fails:
                return self.give(503, {}, b"<Error><Code>InternalError</Code><Message>We failed.</Message></Error>")
        headers = {name: value for name, value in self.headers.items() if name.lower() != "host"}
        request = urllib.request.Request(self.server.upstream + self.path, body or None, headers, method=self.command)
        try:
            with urllib.request.urlopen(request) as got:
                self.give(got.status, dict(got.headers), got.read())
        except urllib.error.HTTPError as error:
            self.give(error.code, dict(error.headers), error.read())

    do_GET = do_PUT = do_HEAD = do_POST = answer

    def give(self, status, headers, body):
        self.send_response(status)
        for name, value in headers.items():
            if name.lower() not in ("content-length", "transfer-encoding", "connection", "server", "date"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_):
        pass


def test_results_reach_a_bucket_elsewhere_that_fails_half_of_the_time(make_server, moto):  # noqa: F811
    s3 = moto_s3(moto)
    s3.create_bucket(Bucket="elsewhere-results")
    flaky = Flaky(moto)
    server = make_server("--s3-endpoint", flaky.url, "--s3-region", "us-east-1",
                         environment={"AWS_ACCESS_KEY_ID": "elsewhere", "AWS_SECRET_ACCESS_KEY": "elsewhere"})
    store = default_store(server)
    kept(post_events(server, [record(seconds_ago=n) for n in range(10)]), 10)
    told = delivered(server, f"SELECT eventName FROM {store}", "s3://elsewhere-results/out")
    assert told["DeliveryStatus"] == "SUCCESS" and flaky.puts >= 4, told
    prefix = folder(told, "out/")
    files = {key.removeprefix(prefix): body for key, body in objects(s3, "elsewhere-results", prefix).items()}
    verify_query_results(server.client("cloudtrail"), files.__getitem__)
    verify_manifest(server.client("cloudtrail"), files.__getitem__)


def test_a_delivery_that_a_crash_interrupted_goes_on(make_server, moto):  # noqa: F811
    s3 = moto_s3(moto)
    s3.create_bucket(Bucket="crash-results")
    environment = {"AWS_ACCESS_KEY_ID": "elsewhere", "AWS_SECRET_ACCESS_KEY": "elsewhere"}
    closed = Flaky(moto, lambda turn: True)
    server = make_server("--s3-endpoint", closed.url, "--s3-region", "us-east-1", environment=environment)
    store = default_store(server)
    query_id = start(server, f"SELECT COUNT(*) FROM {store}", DeliveryS3Uri="s3://crash-results")
    assert ended(server, query_id)["QueryStatus"] == "FINISHED"
    eventually(lambda: closed.puts)
    assert server.client("cloudtrail").describe_query(QueryId=query_id)["DeliveryStatus"] == "PENDING"
    server.kill()
    server.flags[server.flags.index("--s3-endpoint") + 1] = moto
    server.start()
    client = server.client("cloudtrail")
    eventually(lambda: client.describe_query(QueryId=query_id)["DeliveryStatus"] == "SUCCESS", 60)
    prefix = folder(client.describe_query(QueryId=query_id))
    files = {key.removeprefix(prefix): body for key, body in objects(s3, "crash-results", prefix).items()}
    verify_query_results(client, files.__getitem__)
