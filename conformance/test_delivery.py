"""Trails deliver log files and digests; `aws cloudtrail validate-logs` is the judge."""

import datetime
import gzip
import json
import random
import re
import threading
import time
import urllib.error
import urllib.request

import pytest

from conftest import eventually

FAST = ("--trails-delivery-interval", "1s", "--trails-digest-interval", "2s")
ACCOUNT = "123456789012"


def ago(**delta):
    return (datetime.datetime.now(datetime.UTC) - datetime.timedelta(**delta)).strftime("%Y-%m-%dT%H:%M:%SZ")


def make_trail(server, name="audit", bucket="audit-logs", *flags):
    server.aws("s3", "mb", f"s3://{bucket}")
    trail = server.aws(
        "cloudtrail", "create-trail", "--name", name, "--s3-bucket-name", bucket, "--is-multi-region-trail",
        "--enable-log-file-validation", *flags,
    )
    server.aws("cloudtrail", "start-logging", "--name", name)
    return trail["TrailARN"]


def keys(server, bucket="audit-logs", prefix=""):
    pages = server.client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    return [entry["Key"] for page in pages for entry in page.get("Contents", [])]


def digests(server, region, bucket="audit-logs"):
    return keys(server, bucket, f"AWSLogs/{ACCOUNT}/CloudTrail-Digest/{region}/")


def log_files(server, bucket="audit-logs", account=ACCOUNT, region=""):
    return [key for key in keys(server, bucket, f"AWSLogs/{account}/CloudTrail/{region}") if key.endswith(".json.gz")]


def raw_records(server, key, bucket="audit-logs"):
    """The records of a log file, each as the bytes it has there."""
    body = gzip.decompress(server.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()).decode()
    assert body.startswith('{"Records":[') and body.endswith("]}")
    decoder, records, position = json.JSONDecoder(), [], len('{"Records":[')
    while position < len(body) - 2:
        _, end = decoder.raw_decode(body, position)
        records.append(body[position:end])
        position = end + 1
    return records


def delivered(server, bucket="audit-logs", account=ACCOUNT):
    """eventID to the log files that have it."""
    places = {}
    for key in log_files(server, bucket, account):
        for record in raw_records(server, key, bucket):
            places.setdefault(json.loads(record)["eventID"], []).append(key)
    return places


def event(number, region="eu-west-1", **members):
    record = {
        "eventTime": ago(seconds=1), "eventSource": "test.example.com", "eventName": "Count", "awsRegion": region,
        "eventID": f"00000000-0000-4000-8000-{number:012d}", "readOnly": False,
        "userIdentity": {"type": "IAMUser", "userName": "counter", "accountId": ACCOUNT},
    }
    return {**record, **members}


def post(server, records, token, seconds=30):
    request = urllib.request.Request(
        f"{server.url}/v1/events", data="\n".join(json.dumps(record) for record in records).encode(),
        headers={"Authorization": f"Bearer {token}", "Content-Type": "application/x-ndjson"},
    )
    with urllib.request.urlopen(request, timeout=seconds) as answer:
        return json.load(answer)


def ingest_token(server, *flags):
    done = server.trailkeep("token", "create", "--ingest", *flags)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def validate(server, arn, region="us-east-1", *flags):
    done = server.aws(
        "--region", region, "cloudtrail", "validate-logs", "--trail-arn", arn, "--start-time", ago(hours=1), "--verbose",
        *flags, check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_five_digests_in_two_regions_are_valid_through_a_restart_and_a_kill(make_server):
    server = make_server(*FAST)
    arn, token = make_trail(server), ingest_token(server)
    for step in range(5):
        post(server, [event(step * 10 + n, region) for n, region in enumerate(["eu-west-1", "us-east-1"])], token)
        if step == 1:
            assert server.stop() == 0
            server.start()
        if step == 3:
            server.kill()
            server.start()
        eventually(lambda: len(digests(server, "eu-west-1")) > step, 60)
    for region in ["us-east-1", "eu-west-1"]:
        eventually(lambda: len(digests(server, region)) >= 6, 60)
        code, told = validate(server, arn, region)
        assert code == 0, told
        assert "INVALID" not in told and "No log files were delivered" not in told, told
        assert int(re.search(r"(\d+)/\d+ digest files valid", told)[1]) >= 5, told
        assert int(re.search(r"(\d+)/\d+ log files valid", told)[1]) >= 1, told
        first = [key for key in digests(server, region) if is_chain_start(server, key)]
        assert len(first) == 1, first


def is_chain_start(server, key, bucket="audit-logs"):
    body = server.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    return json.loads(gzip.decompress(body))["previousDigestS3Object"] is None


@pytest.fixture(scope="module")
def unlocked(tmp_path_factory):
    from conftest import Server

    server = Server(tmp_path_factory.mktemp("unlocked"), *FAST, "--buckets-lock", "0s").start()
    arn, token = make_trail(server), ingest_token(server)
    for step in range(4):
        post(server, [event(100 + step)], token)
        eventually(lambda: len(digests(server, "eu-west-1")) > step, 60)
    eventually(lambda: len(log_files(server, region="eu-west-1")) >= 3, 60)
    # Stopped, so that nothing changes under the tests but what they change.
    server.aws("cloudtrail", "stop-logging", "--name", "audit")
    eventually(lambda: validate(server, arn, "eu-west-1")[0] == 0, 60)
    yield server, arn
    server.kill()


def tampered(server, arn, key, change):
    """What validate-logs says while the object is changed; afterwards it is as before."""
    s3 = server.client("s3")
    kept = s3.get_object(Bucket="audit-logs", Key=key)
    body, metadata = kept["Body"].read(), kept["Metadata"]
    change(s3, key, body, metadata)
    try:
        return validate(server, arn, "eu-west-1")
    finally:
        s3.put_object(Bucket="audit-logs", Key=key, Body=body, Metadata=metadata)


def changed(s3, key, body, metadata):
    text = gzip.decompress(body).decode()
    other = text.replace("counter", "somebody") if "counter" in text else text.replace("SHA-256", "SHA-255")
    assert other != text
    s3.put_object(Bucket="audit-logs", Key=key, Body=gzip.compress(other.encode()), Metadata=metadata)


def removed(s3, key, body, metadata):
    s3.delete_object(Bucket="audit-logs", Key=key)


def moved_over(s3, key, body, metadata):
    folder = key.rsplit("/", 1)[0]
    listed = s3.list_objects_v2(Bucket="audit-logs", Prefix=folder)["Contents"]
    other = next(entry["Key"] for entry in listed if entry["Key"] != key)
    s3.copy_object(Bucket="audit-logs", Key=key, CopySource={"Bucket": "audit-logs", "Key": other})


@pytest.mark.parametrize("change, told", [(changed, "hash value"), (removed, "not found"), (moved_over, "hash value")])
def test_a_log_file_that_was_touched_is_reported(unlocked, change, told):
    server, arn = unlocked
    code, output = tampered(server, arn, log_files(server, region="eu-west-1")[1], change)
    assert code == 1 and "INVALID" in output and told in output, output


@pytest.mark.parametrize("change, told", [(changed, "signature"), (removed, "not found"), (moved_over, "moved")])
def test_a_digest_that_was_touched_is_reported(unlocked, change, told):
    server, arn = unlocked
    code, output = tampered(server, arn, digests(server, "eu-west-1")[1], change)
    assert code == 1 and "INVALID" in output and told in output, output


def test_delivered_files_are_locked(make_server):
    server = make_server(*FAST)
    make_trail(server)
    key, other = (eventually(what)[0] for what in [lambda: log_files(server), lambda: digests(server, "us-east-1")])
    s3 = server.client("s3")
    for call in [
        lambda: s3.put_object(Bucket="audit-logs", Key=key, Body=b"x"),
        lambda: s3.delete_object(Bucket="audit-logs", Key=key),
        lambda: s3.copy_object(Bucket="audit-logs", Key=key, CopySource={"Bucket": "audit-logs", "Key": other}),
        lambda: s3.put_object(Bucket="audit-logs", Key=f"AWSLogs/{ACCOUNT}/CloudTrail/forged.json.gz", Body=b"x"),
    ]:
        with pytest.raises(s3.exceptions.ClientError, match="AccessDenied"):
            call()
    answer = s3.delete_objects(Bucket="audit-logs", Delete={"Objects": [{"Key": key}]})
    assert answer["Errors"][0]["Code"] == "AccessDenied"
    server.aws("cloudtrail", "delete-trail", "--name", "audit")
    with pytest.raises(s3.exceptions.ClientError, match="AccessDenied"):
        s3.delete_object(Bucket="audit-logs", Key=key)


def test_stop_and_delete_are_delivered_by_the_trail_they_stop(make_server):
    server = make_server(*FAST)
    arn = make_trail(server)
    server.aws("cloudtrail", "stop-logging", "--name", "audit")
    names = lambda: {json.loads(r)["eventName"] for key in log_files(server) for r in raw_records(server, key)}
    eventually(lambda: "StopLogging" in names())
    server.aws("cloudtrail", "start-logging", "--name", "audit")
    server.aws("cloudtrail", "delete-trail", "--name", "audit")
    eventually(lambda: "DeleteTrail" in names())
    assert server.aws("cloudtrail", "describe-trails")["trailList"] == []
    # The same name is free at once, and its chain is a new one beside the old.
    server.aws("cloudtrail", "create-trail", "--name", "audit", "--s3-bucket-name", "audit-logs", "--enable-log-file-validation")
    server.aws("cloudtrail", "start-logging", "--name", "audit")
    eventually(lambda: sum(is_chain_start(server, key) for key in digests(server, "us-east-1")) == 3)
    code, told = validate(server, arn)
    assert code == 0, told


def test_real_log_files_go_in_and_out_with_the_same_bytes(make_server, corpus):
    server = make_server(*FAST)
    make_trail(server)
    folder = corpus / "logfiles" / "invictus"
    sent = {}
    for path in sorted(folder.glob("*.json.gz")):
        body = gzip.decompress(path.read_bytes()).decode()
        decoder, position = json.JSONDecoder(), len('{"Records":[')
        while position < len(body) - 2:
            record, end = decoder.raw_decode(body, position)
            sent[record["eventID"]] = body[position:end]
            position = end + 1
    done = server.trailkeep("import", str(folder), "--into-trails")
    assert done.returncode == 0, done.stdout + done.stderr
    account = json.loads(next(iter(sent.values())))["recipientAccountId"]
    got = {}

    def all_there():
        for key in log_files(server, account=account):
            for record in raw_records(server, key) if key not in seen else []:
                got.setdefault(json.loads(record)["eventID"], []).append(record)
            seen.add(key)
        return set(sent) <= set(got)

    seen = set()
    eventually(all_there, 60)
    wrong = [eventid for eventid, record in sent.items() if got[eventid] != [record]]
    assert not wrong, f"{len(wrong)} of {len(sent)} records came out otherwise or more than once"


@pytest.mark.parametrize("seed", [20261120])
def test_what_was_acknowledged_survives_kills_once_in_history_and_in_one_log_file(make_server, seed):
    print(f"seed {seed}")
    chance = random.Random(seed)
    server = make_server(*FAST)
    make_trail(server)
    token = ingest_token(server)
    acknowledged, number = set(), 0
    for _ in range(10):
        stop = threading.Event()

        def load():
            nonlocal number
            while not stop.is_set():
                batch = [event(number + n) for n in range(25)]
                number += 25
                try:
                    answer = post(server, batch, token, 5)
                except (urllib.error.URLError, ConnectionError, TimeoutError):
                    return
                assert answer["accepted"] == 25, answer
                acknowledged.update(record["eventID"] for record in batch)

        thread = threading.Thread(target=load)
        thread.start()
        stop.wait(chance.uniform(0.05, 0.6))
        server.kill()
        stop.set()
        thread.join()
        server.start()
    assert len(acknowledged) > 100
    found = lookup_all(server, "eu-west-1")
    missing, twice = acknowledged - set(found), [eventid for eventid in acknowledged if found.count(eventid) > 1]
    assert not missing and not twice, (len(missing), len(twice))
    places = {}

    def all_delivered():
        places.clear()
        places.update(delivered(server))
        return acknowledged <= set(places)

    eventually(all_delivered, 60)
    assert not [eventid for eventid in acknowledged if len(places[eventid]) != 1]


def lookup_all(server, region):
    client = server.client("cloudtrail", region)
    pages = client.get_paginator("lookup_events").paginate(
        LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": "Count"}]
    )
    return [found["EventId"] for page in pages for found in page["Events"]]


def test_a_bucket_that_is_gone_delays_nothing_else_and_is_caught_up_with(make_server, tmp_path):
    away = make_server("--buckets-lock", "0s")
    away.aws("s3", "mb", "s3://far-away")
    keys_of_away = dict(
        line.split(" = ") for line in open(away.credentials).read().splitlines() if " = " in line
    )
    server = make_server(
        *FAST, "--s3-endpoint", away.url, "--s3-region", "us-east-1",
        environment={
            "AWS_ACCESS_KEY_ID": keys_of_away["aws_access_key_id"],
            "AWS_SECRET_ACCESS_KEY": keys_of_away["aws_secret_access_key"],
        },
    )
    make_trail(server, "near", "near")
    server.aws(
        "cloudtrail", "create-trail", "--name", "far", "--s3-bucket-name", "far-away", "--is-multi-region-trail",
        "--enable-log-file-validation",
    )
    server.aws("cloudtrail", "start-logging", "--name", "far")
    eventually(lambda: log_files(away, "far-away"))
    away.kill()
    token = ingest_token(server)
    post(server, [event(7)], token)
    eventually(lambda: event(7)["eventID"] in delivered(server, "near"))
    assert server.aws("cloudtrail", "get-trail-status", "--name", "far")["IsLogging"] is True
    away.start()
    eventually(lambda: event(7)["eventID"] in delivered(away, "far-away"), 90)
    status = server.aws("cloudtrail", "get-trail-status", "--name", "far")
    assert "LatestDeliveryError" not in status and status["LatestDeliveryTime"]
