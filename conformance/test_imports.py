"""Copying trail events from log files in buckets into event data stores: StartImport and its kin."""

import datetime
import gzip
import hashlib
import http.client
import json
import random
import threading
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import pytest

from conftest import Server, eventually
from integrations import CONFIG, OTHER, OTHER_ROOT, make_store
from test_destinations import moto, moto_s3  # noqa: F401
from test_queries import ask
from wire import ACCOUNT, record, refused

ROLE = f"arn:aws:iam::{ACCOUNT}:role/service-role/copy"
SEED = 20261121
TODAY = datetime.datetime.now(datetime.UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def source(uri, region="us-east-1", role=ROLE):
    return {"S3": {"S3LocationUri": uri, "S3BucketRegion": region, "S3BucketAccessRoleArn": role}}


def start(server, store, uri, client=None, **arguments):
    client = client or server.client("cloudtrail")
    return client.start_import(Destinations=[store], ImportSource=source(uri), **arguments)


def ended(server, import_id, client=None, seconds=120):
    """What GetImport says once the import has ended."""
    client = client or server.client("cloudtrail")

    def described():
        told = client.get_import(ImportId=import_id)
        return told if told["ImportStatus"] not in ("INITIALIZING", "IN_PROGRESS") else None

    return eventually(described, seconds)


def imported(server, store, uri, status="COMPLETED", **arguments):
    told = ended(server, start(server, store, uri, **arguments)["ImportId"])
    assert told["ImportStatus"] == status, (told, failures(server, told["ImportId"]))
    return told


def failures(server, import_id, **arguments):
    pages = server.client("cloudtrail").get_paginator("list_import_failures").paginate(ImportId=import_id, **arguments)
    return [failure for page in pages for failure in page["Failures"]]


def statistics(told):
    names = ["PrefixesFound", "PrefixesCompleted", "FilesCompleted", "EventsCompleted", "FailedEntries"]
    return [told["ImportStatistics"][name] for name in names]


def count(server, store, where="true"):
    return int(ask(server, f"SELECT COUNT(*) FROM {store.rsplit('/', 1)[1]} WHERE {where}")[0][0])


def fresh_store(server, name, **arguments):
    """A store that nothing but imports fills."""
    return make_store(server, name, category="Management", MultiRegionEnabled=True, StartIngestion=False, **arguments)


def log_file(*records):
    return gzip.compress(json.dumps({"Records": list(records)}).encode(), 1)


def key(at=None, region="us-east-1", account=ACCOUNT, unique=None, folder="CloudTrail", prefix=""):
    at = at or TODAY - datetime.timedelta(days=2)
    unique = unique or f"{random.randrange(16**16):016x}"
    name = f"{account}_{folder}_{region}_{at:%Y%m%dT%H%MZ}_{unique}.json.gz"
    return f"{prefix}AWSLogs/{account}/{folder}/{region}/{at:%Y/%m/%d}/{name}"


def put_all(s3, bucket, files):
    """Puts objects, many at a time."""
    s3.create_bucket(Bucket=bucket)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda item: s3.put_object(Bucket=bucket, Key=item[0], Body=item[1]), files.items()))


def many(files, events, days=5):
    """Log files over some days, and how many folders they lie in."""
    at = [TODAY - datetime.timedelta(days=1 + n % days, minutes=5 * (n % 200)) for n in range(files)]
    content = {
        key(at[n], unique=f"{n:016d}"): log_file(
            *[record(f"Copied{n}", eventTime=f"{at[n] - datetime.timedelta(seconds=60 + e):%Y-%m-%dT%H:%M:%SZ}") for e in range(events)]
        )
        for n in range(files)
    }
    return content, len({name.rsplit("/", 1)[0] for name in content})


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("imports"), config=CONFIG).start()
    yield server
    server.kill()


def test_trail_files_of_a_bucket_come_in_with_their_bytes_and_true_counts(server):
    store = fresh_store(server, "whole")
    files, folders = many(120, 3)
    put_all(server.client("s3"), "whole", files)
    begun = start(server, store, "s3://whole/AWSLogs/")
    assert begun["ImportStatus"] in ("INITIALIZING", "IN_PROGRESS") and begun["Destinations"] == [store]
    assert begun["ImportSource"] == source("s3://whole/AWSLogs/") and "StartEventTime" not in begun
    told = ended(server, begun["ImportId"])
    assert told["ImportStatus"] == "COMPLETED" and statistics(told) == [folders, folders, 120, 360, 0]
    assert told["UpdatedTimestamp"] >= told["CreatedTimestamp"] == begun["CreatedTimestamp"]
    # What has completed can be queried, and twice the same is kept once.
    assert count(server, store) == 360 and failures(server, told["ImportId"]) == []
    again = imported(server, store.rsplit("/", 1)[1], "s3://whole")
    assert statistics(again) == statistics(told) and count(server, store) == 360
    [[event_id, text]] = ask(server, f"SELECT eventID, eventJson FROM {store.rsplit('/', 1)[1]} WHERE eventName = 'Copied7' LIMIT 1")
    [original] = [e for body in files.values() for e in json.loads(gzip.decompress(body))["Records"] if e["eventID"] == event_id]
    assert json.loads(text) == original


def test_whatever_is_no_log_file_is_listed_and_the_rest_comes_in(server):
    store = fresh_store(server, "foreign")
    good, digest = key(), key(folder="CloudTrail-Digest")
    folder = good.rsplit("/", 1)[0]
    files = {
        good: log_file(record("Good"), record("Good", recipientAccountId=OTHER, awsRegion="eu-west-1")),
        f"{folder}/torn.json.gz": log_file(record("Torn"))[:-12],
        f"{folder}/plain.json": json.dumps({"Records": [record("Plain")]}).encode(),
        f"{folder}/notes.txt.gz": gzip.compress(b"notes"),
        f"{folder}/empty.json.gz": b"",
        f"{folder}/partly.json.gz": log_file(record("Partly"), {"eventName": "Lonely"}),
        f"{folder}/{digest.rsplit('/', 1)[1]}": gzip.compress(b"{}"),
        f"{folder}/": b"",
        digest: gzip.compress(b"{}"),
        f"AWSLogs/{ACCOUNT}/Config/us-east-1/2026/3/2/config.json.gz": gzip.compress(b"{}"),
        "elsewhere/readme.txt": b"hello",
    }
    put_all(server.client("s3"), "foreign", files)
    told = imported(server, store, "s3://foreign", "FAILED")
    assert statistics(told) == [1, 1, 1, 3, 6] and count(server, store) == 3
    listed = {failure["Location"].rsplit("/", 1)[1]: failure for failure in failures(server, told["ImportId"])}
    assert {name: failure["ErrorType"] for name, failure in listed.items()} == {
        "torn.json.gz": "TruncatedGzip", "plain.json": "NotGzip", "notes.txt.gz": "InvalidJson", "empty.json.gz": "Empty",
        "partly.json.gz": "MissingField", digest.rsplit("/", 1)[1]: "NotALogFile",
    }
    assert all(f["Status"] == "FAILED" and f["ErrorMessage"] and f["LastUpdatedTime"] for f in listed.values())
    assert listed["torn.json.gz"]["Location"] == f"s3://foreign/{folder}/torn.json.gz"
    pages = list(server.client("cloudtrail").get_paginator("list_import_failures").paginate(
        ImportId=told["ImportId"], PaginationConfig={"PageSize": 4}))
    assert [len(page["Failures"]) for page in pages] == [4, 2]

    # Only what the location names is walked; a digest folder that is named is full of failures.
    named = imported(server, store, f"s3://foreign/AWSLogs/{ACCOUNT}/CloudTrail-Digest/", "FAILED")
    assert statistics(named) == [1, 1, 0, 0, 1]
    assert statistics(imported(server, store, "s3://foreign/elsewhere/", "FAILED")) == [1, 1, 0, 0, 1]


def test_failed_files_that_are_mended_come_in_with_a_retry(make_server, tmp_path):
    server = make_server("--buckets-lock", "0s")
    store, s3 = fresh_store(server, "retry"), server.client("s3")
    bad = key(unique="0" * 16)
    put_all(s3, "retry", {bad: b"damaged", **many(20, 2)[0]})
    told = imported(server, store, "s3://retry", "FAILED")
    assert statistics(told)[2:] == [20, 40, 1]
    s3.put_object(Bucket="retry", Key=bad, Body=log_file(record("Mended"), record("Mended")))
    begun = server.client("cloudtrail").start_import(ImportId=told["ImportId"])
    assert begun["ImportId"] == told["ImportId"] and begun["ImportSource"] == source("s3://retry")
    retried = ended(server, told["ImportId"])
    assert retried["ImportStatus"] == "COMPLETED" and statistics(retried)[2:] == [21, 42, 0] and count(server, store) == 42
    [failure] = failures(server, told["ImportId"])
    assert (failure["Status"], failure["Location"]) == ("SUCCEEDED", f"s3://retry/{bad}")
    with refused("InvalidParameterException", "nothing to retry"):
        server.client("cloudtrail").start_import(ImportId=told["ImportId"])


def test_a_time_range_leaves_out_files_by_date_and_events_by_time(server):
    store = fresh_store(server, "range")
    noon = TODAY - datetime.timedelta(days=10) + datetime.timedelta(hours=12)
    hour = datetime.timedelta(hours=1)
    iso = lambda at: f"{at:%Y-%m-%dT%H:%M:%SZ}"
    files = {
        key(noon): log_file(*[record(f"Hour{n}", eventTime=iso(noon + n * hour)) for n in range(-2, 3)]),
        f"AWSLogs/{ACCOUNT}/CloudTrail/us-east-1/undated.json.gz": log_file(record("Undated", eventTime=iso(noon))),
        # None of these is opened: each would be a failure.
        **{key(noon + n * datetime.timedelta(days=1)): b"closed" for n in (-400, -40, -3, 3, 9)},
        key(noon - 3 * hour): b"closed",
        key(noon + 4 * hour): b"closed",
    }
    put_all(server.client("s3"), "range", files)
    told = imported(server, store, "s3://range", StartEventTime=noon - hour, EndEventTime=noon + hour)
    assert statistics(told)[2:] == [2, 4, 0]
    assert (told["StartEventTime"], told["EndEventTime"]) == (noon - hour, noon + hour)
    names = [row[0] for row in ask(server, f"SELECT eventName FROM {store.rsplit('/', 1)[1]} ORDER BY eventName")]
    assert names == ["Hour-1", "Hour0", "Hour1", "Undated"]
    with refused("InvalidParameterException"):
        start(server, store, "s3://range", StartEventTime=noon, EndEventTime=noon - hour)


def test_events_past_retention_are_passed_over_and_selectors_do_not_count(server):
    store = fresh_store(server, "young", RetentionPeriod=7, BillingMode="EXTENDABLE_RETENTION_PRICING")
    old = TODAY - datetime.timedelta(days=30)
    put_all(server.client("s3"), "young", {
        key(old): log_file(record("Old", eventTime=f"{old:%Y-%m-%dT%H:%M:%SZ}")),
        key(): log_file(record("Data", seconds_ago=86_400, eventCategory="Data", managementEvent=False, awsRegion="sa-east-1")),
    })
    told = imported(server, store, "s3://young")
    assert statistics(told)[2:] == [2, 1, 0] and count(server, store) == count(server, store, "eventName = 'Data'") == 1


def test_start_import_checks_destination_and_source(server):
    client = server.client("cloudtrail")
    store = fresh_store(server, "checked")
    server.aws("s3", "mb", "s3://checked-source")
    uri = "s3://checked-source"
    for bad in ["https://checked-source/", "s3://", "s3://A_B/", "s3://no-such-bucket-here/"]:
        with refused("InvalidImportSourceException"):
            start(server, store, bad)
    with refused("InvalidImportSourceException"):
        client.start_import(Destinations=[store], ImportSource=source(uri, role="me"))
    with refused("InvalidImportSourceException"):
        client.start_import(Destinations=[store], ImportSource=source(uri, region="No Region"))
    with refused("EventDataStoreNotFoundException"):
        start(server, "01234567-89ab-cdef-0123-456789abcdef", uri)
    with refused("EventDataStoreNotFoundException"):
        start(server, store.replace(ACCOUNT, OTHER), uri)
    with refused("EventDataStoreARNInvalidException"):
        start(server, "arn:aws:cloudtrail:us-east-1:1:trail/x", uri)
    with refused("InvalidEventDataStoreCategoryException"):
        start(server, make_store(server, "activity"), uri)
    gone = fresh_store(server, "gone")
    client.delete_event_data_store(EventDataStore=gone)
    with refused("InvalidEventDataStoreStatusException"):
        start(server, gone, uri)
    for missing in [{"Destinations": [store]}, {"ImportSource": source(uri)}, {}]:
        with refused("InvalidParameterException"):
            client.start_import(**missing)
    unknown = "01234567-89ab-cdef-0123-456789abcdef"
    for refusing in [client.start_import, client.stop_import, client.get_import]:
        with refused("ImportNotFoundException"):
            refusing(ImportId=unknown)
    with refused("InvalidParameterException"):
        client.list_import_failures(ImportId=unknown)
    with refused("InvalidParameterException"):
        client.start_import(ImportId=unknown, Destinations=[store])
    told = imported(server, store, uri)
    assert statistics(told) == [0, 0, 0, 0, 0]
    with refused("ImportNotFoundException"):
        server.client("cloudtrail", region="eu-west-1").get_import(ImportId=told["ImportId"])
    with refused("ImportNotFoundException"):
        server.client("cloudtrail", **OTHER_ROOT).get_import(ImportId=told["ImportId"])


def test_an_account_imports_from_buckets_it_may_read(server):
    theirs = server.client("cloudtrail", **OTHER_ROOT)
    store = make_store(server, "theirs", category="Management", settings=OTHER_ROOT, StartIngestion=False)
    s3 = server.client("s3")
    put_all(s3, "shared", {key(): log_file(record("Shared")), "AWSLogs/1/CloudTrail/secret.json.gz": log_file(record("Secret"))})
    with refused("InvalidImportSourceException", "AccessDenied"):
        start(server, store, "s3://shared", theirs)
    allow = [{"Effect": "Allow", "Principal": {"AWS": OTHER}, "Action": ["s3:ListBucket", "s3:GetObject"],
              "Resource": ["arn:aws:s3:::shared", f"arn:aws:s3:::shared/AWSLogs/{ACCOUNT}/*"]}]
    s3.put_bucket_policy(Bucket="shared", Policy=json.dumps({"Version": "2012-10-17", "Statement": allow}))
    told = ended(server, start(server, store, "s3://shared", theirs)["ImportId"], theirs)
    assert told["ImportStatus"] == "FAILED" and statistics(told)[2:] == [1, 1, 1]
    [failure] = theirs.list_import_failures(ImportId=told["ImportId"])["Failures"]
    assert failure["ErrorType"] == "AccessDenied" and failure["Location"].endswith("/secret.json.gz")


def test_imports_are_listed_newest_first(make_server):
    server = make_server()
    client = server.client("cloudtrail")
    one, two = fresh_store(server, "one"), fresh_store(server, "two")
    put_all(server.client("s3"), "some", {key(): b"damaged"})
    server.aws("s3", "mb", "s3://none")
    ids = [imported(server, store, uri, status)["ImportId"] for store, uri, status in
           [(one, "s3://none", "COMPLETED"), (two, "s3://some", "FAILED"), (one, "s3://some", "FAILED")]]
    listed = lambda **arguments: [item["ImportId"] for item in client.list_imports(**arguments)["Imports"]]
    assert listed() == ids[::-1]
    assert listed(Destination=one) == listed(Destination=one.rsplit("/", 1)[1]) == [ids[2], ids[0]]
    assert listed(ImportStatus="COMPLETED") == [ids[0]] and listed(Destination=two, ImportStatus="COMPLETED") == []
    pages = list(client.get_paginator("list_imports").paginate(PaginationConfig={"PageSize": 2}))
    assert [len(page["Imports"]) for page in pages] == [2, 1]
    item = pages[1]["Imports"][0]
    assert item["Destinations"] == [one] and item["ImportStatus"] == "COMPLETED" and item["CreatedTimestamp"]
    with refused("InvalidNextTokenException"):
        client.list_imports(NextToken=pages[0]["NextToken"], ImportStatus="FAILED")
    with refused("EventDataStoreARNInvalidException"):
        client.list_imports(Destination="arn:aws:cloudtrail:us-east-1:1:trail/x")


class Way(ThreadingHTTPServer):
    """The way to moto: each request goes through `decide`, which may forward it, fail it, or break it off."""

    daemon_threads = True

    def __init__(self, url, decide):
        self.target, self.decide = urlsplit(url).netloc, decide
        super().__init__(("127.0.0.1", 0), Traveller)
        threading.Thread(target=self.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, *_):
        """Whoever asked is gone: killed, stopped, or tired of waiting."""

    def close(self):
        self.shutdown()
        self.server_close()


class Traveller(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        what = self.server.decide(self.path)
        if what == "refuse":
            body = b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"
            self.send_response(503)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            return self.wfile.write(body)
        connection = http.client.HTTPConnection(self.server.target, timeout=60)
        connection.request("GET", self.path, headers={name: value for name, value in self.headers.items() if name.lower() != "connection"})
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("transfer-encoding", "connection", "content-length", "date", "server"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if what == "break":
            self.wfile.write(body[: len(body) // 2])
            self.close_connection = True
        else:
            self.wfile.write(body)

    def log_message(self, *_):
        pass


def elsewhere(make_server, url, **settings):
    keys = {"AWS_ACCESS_KEY_ID": "elsewhere", "AWS_SECRET_ACCESS_KEY": "elsewhere", "AWS_ENDPOINT_URL": "http://127.0.0.1:9"}
    return make_server("--s3-endpoint", url, "--s3-region", "us-east-1", environment=keys, **settings)


def is_object(path):
    return urlsplit(path).path.endswith(".json.gz")


def test_a_bucket_elsewhere_is_read_by_the_root_of_the_installation(make_server, moto):
    server = elsewhere(make_server, moto, config=CONFIG)
    store = fresh_store(server, "elsewhere")
    files, folders = many(40, 2)
    odd = f"AWSLogs/{ACCOUNT}/CloudTrail/us-east-1/a b+c%20é&日.json.gz"
    put_all(moto_s3(moto), "trail-elsewhere", {**files, odd: log_file(record("Odd"))})
    told = imported(server, store, f"s3://trail-elsewhere/AWSLogs/{ACCOUNT}/CloudTrail")
    assert statistics(told) == [folders + 1, folders + 1, 41, 81, 0] and count(server, store) == 81
    with refused("InvalidImportSourceException"):
        start(server, store, "s3://nothing-elsewhere")
    theirs = server.client("cloudtrail", **OTHER_ROOT)
    others = make_store(server, "others", category="Management", settings=OTHER_ROOT)
    with refused("InvalidImportSourceException", "root of the installation"):
        start(server, others, "s3://trail-elsewhere", theirs)


def test_a_source_that_fails_half_of_all_calls_loses_nothing(make_server, moto):
    files, folders = many(150, 2)
    put_all(moto_s3(moto), "moody", files)
    chance, lock = random.Random(SEED), threading.Lock()

    def decide(path):
        with lock:
            return "forward" if chance.random() < 0.5 else chance.choice(["refuse", "break"])

    way = Way(moto, decide)
    server = elsewhere(make_server, way.url)
    store = fresh_store(server, "moody")
    told = ended(server, start(server, store, "s3://moody")["ImportId"], seconds=300)
    way.close()
    assert told["ImportStatus"] == "COMPLETED", failures(server, told["ImportId"])
    assert statistics(told) == [folders, folders, 150, 300, 0] and count(server, store) == 300


def test_a_killed_server_goes_on_where_it_was_and_doubles_nothing(make_server, moto):
    files, folders = many(900, 3, days=9)
    put_all(moto_s3(moto), "killed", files)
    opened, passed, lock = threading.Event(), [0], threading.Lock()

    def decide(path):
        if is_object(path):
            with lock:
                passed[0] += 1
                beyond = passed[0] > 400
            if beyond:
                opened.wait(300)
        return "forward"

    way = Way(moto, decide)
    server = elsewhere(make_server, way.url)
    store = fresh_store(server, "killed")
    import_id = start(server, store, "s3://killed")["ImportId"]
    client = server.client("cloudtrail")
    eventually(lambda: client.get_import(ImportId=import_id)["ImportStatistics"]["FilesCompleted"] > 0, 60)
    server.kill()
    opened.set()
    server.start()
    assert client.get_import(ImportId=import_id)["ImportStatistics"]["FilesCompleted"] < 900
    told = ended(server, import_id, seconds=300)
    assert told["ImportStatus"] == "COMPLETED" and statistics(told) == [folders, folders, 900, 2700, 0]
    assert count(server, store) == 2700
    assert int(ask(server, f"SELECT COUNT(DISTINCT eventID) FROM {store.rsplit('/', 1)[1]}")[0][0]) == 2700
    server.kill()
    server.start()
    assert count(server, store) == 2700
    way.close()


def test_an_import_under_way_holds_its_store_and_can_be_stopped_and_retried(make_server, moto):
    files, folders = many(300, 2)
    put_all(moto_s3(moto), "held", files)
    opened, passed, lock = threading.Event(), [0], threading.Lock()

    def decide(path):
        if is_object(path):
            with lock:
                passed[0] += 1
                beyond = passed[0] > 100
            if beyond:
                opened.wait(300)
        return "forward"

    way = Way(moto, decide)
    server = elsewhere(make_server, way.url)
    store, client = fresh_store(server, "held"), server.client("cloudtrail")
    import_id = start(server, store, "s3://held")["ImportId"]
    eventually(lambda: client.get_import(ImportId=import_id)["ImportStatus"] == "IN_PROGRESS")
    other = fresh_store(server, "other")
    with refused("AccountHasOngoingImportException"):
        start(server, other, "s3://held")
    with refused("AccountHasOngoingImportException"):
        client.start_import(ImportId=import_id)
    with refused("EventDataStoreHasOngoingImportException"):
        client.delete_event_data_store(EventDataStore=store)
    with refused("EventDataStoreHasOngoingImportException"):
        client.update_event_data_store(EventDataStore=store, RetentionPeriod=100)
    stopped = client.stop_import(ImportId=import_id)
    assert stopped["ImportStatus"] == "STOPPED" and stopped["Destinations"] == [store] and "ImportStatistics" in stopped
    client.update_event_data_store(EventDataStore=store, RetentionPeriod=100)
    opened.set()
    assert client.get_import(ImportId=import_id)["ImportStatus"] == "STOPPED"
    server.stop()
    server.start()
    assert client.get_import(ImportId=import_id)["ImportStatus"] == "STOPPED"
    assert client.start_import(ImportId=import_id)["ImportStatus"] in ("INITIALIZING", "IN_PROGRESS")
    told = ended(server, import_id)
    assert told["ImportStatus"] == "COMPLETED" and statistics(told) == [folders, folders, 300, 600, 0]
    assert count(server, store) == 600
    assert client.stop_import(ImportId=import_id)["ImportStatus"] == "COMPLETED"
    way.close()


def test_files_that_go_away_while_they_are_imported_are_failures_until_they_are_back(make_server, moto):
    files, folders = many(60, 2)
    s3, lock, gone = moto_s3(moto), threading.Lock(), threading.Event()
    put_all(s3, "away", files)

    def decide(path):
        with lock:
            if is_object(path) and not gone.is_set():
                for name in files:
                    s3.delete_object(Bucket="away", Key=name)
                gone.set()
        return "forward"

    way = Way(moto, decide)
    server = elsewhere(make_server, way.url)
    store, client = fresh_store(server, "away"), server.client("cloudtrail")
    told = imported(server, store, "s3://away", "FAILED")
    assert statistics(told) == [folders, folders, 0, 0, 60]
    assert {failure["ErrorType"] for failure in failures(server, told["ImportId"])} == {"NoSuchKey"}
    for name, body in files.items():
        s3.put_object(Bucket="away", Key=name, Body=body)
    client.start_import(ImportId=told["ImportId"])
    told = ended(server, told["ImportId"])
    assert told["ImportStatus"] == "COMPLETED" and statistics(told) == [folders, folders, 60, 120, 0]
    assert {failure["Status"] for failure in failures(server, told["ImportId"])} == {"SUCCEEDED"}
    way.close()


def test_delivered_files_of_the_corpus_come_in_whole(server, corpus):
    store, s3 = fresh_store(server, "corpus", RetentionPeriod=3653, BillingMode="EXTENDABLE_RETENTION_PRICING"), server.client("s3")
    paths = [path for path in sorted((corpus / "logfiles/invictus").rglob("*.json.gz"))]
    records = [json.loads(gzip.decompress(path.read_bytes()))["Records"] for path in paths]
    put_all(s3, "corpus", {f"CloudTrail/{n:04}.json.gz": path.read_bytes() for n, path in enumerate(paths)})
    told = imported(server, store, "s3://corpus/CloudTrail/")
    ids = {record["eventID"] for batch in records for record in batch}
    assert statistics(told) == [1, 1, len(paths), sum(map(len, records)), 0] and count(server, store) == len(ids)
    names = hashlib.sha256("".join(sorted(ids)).encode()).hexdigest()
    kept = [row[0] for row in ask(server, f"SELECT eventID FROM {store.rsplit('/', 1)[1]}")]
    assert hashlib.sha256("".join(sorted(kept)).encode()).hexdigest() == names
