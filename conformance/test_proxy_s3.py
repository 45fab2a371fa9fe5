"""S3 behind the recording proxy: every operation that boto3 has, the AWS CLI, presigned requests and forms, parts of
objects, and much of it at once; against moto, against another Trailkeep's own buckets, and against Ceph's S3 gateway where it
is installed."""

import base64
import hashlib
import itertools
import json
import os
import re
import subprocess
import urllib.parse
import uuid
import warnings
import zlib

import boto3
import botocore.auth
import pytest
import requests
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from conftest import AWS, eventually
from proxy_record import Made, faults, recorded_agent
from proxy_s3_calls import CALLS, CONTENT, ELSEWHERE, OVERLOOKED_BY_CEPH
from proxy_setup import ARN, KEY, SECRET, Moto, Recorder, client, watch
from proxy_upstreams import Ceph, has_ceph, own_buckets

REGION = "us-east-1"
SEED = 20261201
MIB = 1 << 20
DOMAIN = "s3.example.com"
# What differs between two servers and two moments: ids that a server makes with chance, and instants.
BY_CHANCE = [
    rb"<RequestId>[^<]*</RequestId>", rb"<HostId>[^<]*</HostId>", rb"<UploadId>[^<]*</UploadId>", rb"<VersionId>[^<]*</VersionId>",
    rb"<NextUploadIdMarker>[^<]*</NextUploadIdMarker>", rb"<DeleteMarkerVersionId>[^<]*</DeleteMarkerVersionId>",
    rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z?", rb"(?:127\.0\.0\.1|localhost):\d+",
]
HEADERS_BY_CHANCE = {
    "connection", "keep-alive", "transfer-encoding", "date", "server", "last-modified", "x-amz-request-id", "x-amz-id-2", "x-amzn-requestid", "x-amz-version-id",
    "x-amz-copy-source-version-id", "x-amz-abort-date",
}


class Upstreams:
    """Two servers of a kind: one that is called directly, one behind the proxy."""

    def __init__(self, kind, folder):
        make = {"moto": Moto, "own": own_buckets, "ceph": Ceph}[kind]
        folders = [folder / "direct", folder / "behind"]
        for one in folders:
            one.mkdir()
        self.kind = kind
        self.direct, self.behind = [make(one) for one in folders]

    def stop(self):
        for server in (self.direct, self.behind):
            server.stop() if self.kind == "moto" else server.kill()


@pytest.fixture(scope="module", params=["moto", "own", "ceph"])
def upstreams(request, tmp_path_factory):
    if request.param == "ceph" and not has_ceph():
        pytest.skip("Ceph's S3 gateway is not installed (Debian: radosgw, ceph-mon, ceph-osd, ceph-common)")
    upstreams = Upstreams(request.param, tmp_path_factory.mktemp(request.param))
    yield upstreams
    upstreams.stop()


@pytest.fixture(scope="module")
def server(upstreams, tmp_path_factory):
    proxies = {"s3": {"upstream": upstreams.behind.url, "service": "s3", "bucket_domains": [DOMAIN, "s3.amazonaws.com", "s3.eu-west-1.amazonaws.com"]}}
    server = Recorder(tmp_path_factory.mktemp("trailkeep"), proxies).start().keep_everything()
    yield server
    server.kill()


@pytest.fixture
def s3(server):
    return client("s3", server.proxy("s3"), REGION)


@pytest.fixture
def bucket(s3):
    """A bucket of the scenario's own."""
    name = f"scenario-{uuid.uuid4()}"
    s3.create_bucket(Bucket=name)
    return name


def keyed(server, bucket, count=1, **members):
    """The records about a bucket, by event name and key."""
    def there():
        records = [record for record in server.records(**members) if (record.get("requestParameters") or {}).get("bucketName") == bucket]
        return records if len(records) >= count else None

    return eventually(there, 60)


def named(records, name):
    return [record for record in records if record["eventName"] == name]


# --- every operation ---


def tell_apart(boto):
    """Gives each call a User-Agent of its own, which no signature is about: not every server gives its answers an id."""
    numbers = itertools.count(1)

    def number(request, **_):
        agent = request.headers["User-Agent"]
        request.headers["User-Agent"] = f"{agent.decode() if isinstance(agent, bytes) else agent} call/{next(numbers)}"

    boto.meta.events.register_first("before-send.*", number)


def calls_of(kind):
    return [call for call in CALLS if kind != "ceph" or call.operation not in OVERLOOKED_BY_CEPH]


def walk(url, calls):
    boto = client("s3", url, REGION)
    tell_apart(boto)
    exchanges, seen = watch(boto), {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return [Made(call, boto, seen, exchanges) for call in calls]


def seen_from_outside(made):
    body = made.exchange.body
    for pattern in BY_CHANCE:
        body = re.sub(pattern, b"*", body)
    headers = {name.lower(): value for name, value in made.exchange.headers.items() if name.lower() not in HEADERS_BY_CHANCE}
    if body != made.exchange.body:
        headers.pop("content-length", None)
    return made.exchange.status, headers, body


@pytest.fixture(scope="module")
def walks(upstreams, server):
    if upstreams.kind == "moto":
        for moto in (upstreams.direct, upstreams.behind):
            moto.seed(SEED)
    calls = calls_of(upstreams.kind)
    return walk(upstreams.direct.url, calls), walk(server.proxy("s3"), calls)


def test_every_operation_is_walked():
    operations = set(boto3.client("s3", region_name=REGION).meta.service_model.operation_names)
    assert operations == {call.operation for call in CALLS} | ELSEWHERE


def test_answers_are_what_they_are_without_the_proxy(walks):
    different = []
    for one, other in zip(*walks, strict=True):
        expected, found = seen_from_outside(one), seen_from_outside(other)
        if expected != found:
            different.append(f"{one.call.operation}: {expected}\n  through the proxy: {found}")
    assert not different, "\n".join(different[:10])


def test_each_operation_has_one_record_that_says_what_it_should(upstreams, walks, server):
    proxied = walks[1]
    assert len(proxied) == len(calls_of(upstreams.kind))
    operations = {recorded_agent(made): f"{made.call.service} {made.call.operation}" for made in proxied}
    records = server.await_ids(operations, member="userAgent")
    refused = {f"{made.call.operation}: {made.exchange.status} {made.failure['Code']}" for made in proxied if made.failure}
    print(f"what {upstreams.kind} refused, recorded all the same:\n  " + "\n  ".join(sorted(refused)))
    wrong = []
    for made in proxied:
        text, record = records[recorded_agent(made)]
        told = list(faults(made, text, record, REGION)) + list(s3_faults(made, record))
        if told:
            wrong.append(f"{made.call.operation}:\n    " + "\n    ".join(told))
        assert CONTENT not in text and base64.b64encode(CONTENT.encode()).decode() not in text, text
    assert not wrong, f"{len(wrong)} of {len(proxied)} records:\n" + "\n".join(wrong)


def s3_faults(made, record):
    """What S3's records say besides: how much went to and fro, how it was signed, and S3's own second id."""
    more = record.get("additionalEventData") or {}
    headers = {name.lower(): value for name, value in made.exchange.headers.items()}
    expected = {
        "SignatureVersion": "SigV4", "AuthenticationMethod": "AuthHeader", "bytesTransferredIn": made.exchange.sent_bytes,
        "x-amz-id-2": headers.get("x-amz-id-2"),
    }
    if made.exchange.method != "HEAD":
        expected["bytesTransferredOut"] = int(headers.get("content-length") or len(made.exchange.body))
    for name, value in expected.items():
        if value is not None and more.get(name) != value:
            yield f"additionalEventData.{name} is {more.get(name)!r}, not {value!r}"
    parameters = record.get("requestParameters") or {}
    host = made.exchange.url.split("/")[2]
    if parameters.get("Host") != host:
        yield f"requestParameters.Host is {parameters.get('Host')!r}, not {host!r}"
    for resource in record.get("resources") or []:
        arn, about = resource.get("ARN"), parameters.get("bucketName")
        wanted = f"arn:aws:s3:::{about}/{parameters.get('key')}" if resource.get("type") == "AWS::S3::Object" else f"arn:aws:s3:::{about}"
        if arn is not None and arn != wanted:
            yield f"a resource is {arn}, not {wanted}"


# --- the AWS CLI ---


def cli(folder, url, *arguments):
    config = folder / "config"
    config.write_text("[default]\ns3 =\n  signature_version = s3v4\n  addressing_style = path\n")
    variables = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    variables.update(AWS_ENDPOINT_URL=url, AWS_ACCESS_KEY_ID=KEY, AWS_SECRET_ACCESS_KEY=SECRET, AWS_DEFAULT_REGION=REGION, AWS_CONFIG_FILE=str(config), AWS_MAX_ATTEMPTS="1")
    done = subprocess.run([AWS, *arguments], env=variables, capture_output=True, text=True)
    assert done.returncode == 0, f"aws {' '.join(arguments)}: {done.stderr}"
    return done.stdout


def test_the_cli_works_as_ever_and_each_of_its_calls_is_recorded(server, tmp_path):
    bucket = "cli-bucket"
    aws = lambda *arguments: cli(tmp_path, server.proxy("s3"), *arguments)
    tree = tmp_path / "tree"
    (tree / "sub").mkdir(parents=True)
    for name in ["a.txt", "sub/b c+ü.txt"]:
        (tree / name).write_text(name)
    large = tmp_path / "large"
    large.write_bytes(os.urandom(17 * MIB))
    aws("s3", "mb", f"s3://{bucket}")
    assert bucket in aws("s3", "ls")
    aws("s3", "sync", str(tree), f"s3://{bucket}/tree/")
    assert len(aws("s3", "ls", "--recursive", f"s3://{bucket}/tree/").splitlines()) == 2
    aws("s3", "cp", str(large), f"s3://{bucket}/large")
    aws("s3", "cp", f"s3://{bucket}/large", str(tmp_path / "back"))
    assert (tmp_path / "back").read_bytes() == large.read_bytes()
    aws("s3", "mv", f"s3://{bucket}/tree/a.txt", f"s3://{bucket}/moved.txt")
    link = aws("s3", "presign", f"s3://{bucket}/moved.txt").strip()
    assert requests.get(link, timeout=30).text == "a.txt"
    assert json.loads(aws("s3api", "head-object", "--bucket", bucket, "--key", "moved.txt"))["ContentLength"] == 5
    assert json.loads(aws("s3api", "list-objects-v2", "--bucket", bucket))["Contents"]
    aws("s3api", "get-object", "--bucket", bucket, "--key", "moved.txt", "--range", "bytes=1-2", str(tmp_path / "part"))
    assert (tmp_path / "part").read_text() == ".t"
    aws("s3", "rm", f"s3://{bucket}/moved.txt")
    aws("s3", "rb", "--force", f"s3://{bucket}")

    eventually(lambda: named(server.records(), "DeleteBucket") and bucket in {r["requestParameters"].get("bucketName") for r in named(server.records(), "DeleteBucket")})
    records = keyed(server, bucket, 20)
    names = {record["eventName"] for record in records}
    assert names >= {
        "CreateBucket", "ListObjects", "PutObject", "CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload", "HeadObject", "GetObject", "CopyObject", "DeleteObject", "DeleteBucket",
    }, names
    assert all(record["userIdentity"].get("arn") == ARN and "aws-cli" in record["userAgent"] for record in records if record["eventName"] != "GetObject")
    parts = sorted((record["requestParameters"]["partNumber"], record["additionalEventData"]["bytesTransferredIn"]) for record in named(records, "UploadPart"))
    assert [number for number, _ in parts] == ["1", "2", "3"] and sum(sent for _, sent in parts) >= 17 * MIB
    [link] = [record for record in named(records, "GetObject") if record["additionalEventData"]["AuthenticationMethod"] == "QueryString"]
    assert link["userIdentity"]["arn"] == ARN and link["requestParameters"]["key"] == "moved.txt"
    text = json.dumps(link)
    assert "Signature=" not in text and not re.search(r'"X-Amz-Signature": "[0-9a-f]{64}"', text), link


# --- other ways to sign and to name a bucket ---


@pytest.mark.parametrize("version", ["s3v4", "s3"])
def test_presigned_requests_work_and_are_their_signers(upstreams, server, bucket, version):
    if upstreams.kind == "own" and version == "s3":
        pytest.skip("Trailkeep's buckets take signatures of version 4 only")
    s3 = client("s3", server.proxy("s3"), REGION, signature_version=version)
    name = f"presigned-{version}"
    links = {verb: s3.generate_presigned_url(f"{verb}_object", Params={"Bucket": bucket, "Key": name}, ExpiresIn=60) for verb in ("put", "get", "head")}
    assert requests.put(links["put"], data=b"hello", timeout=30).status_code == 200
    assert requests.get(links["get"], timeout=30).content == b"hello"
    assert requests.head(links["head"], timeout=30).status_code == 200
    records = [record for record in keyed(server, bucket, 4) if record["eventName"] != "CreateBucket"]
    assert sorted(record["eventName"] for record in records) == ["GetObject", "HeadObject", "PutObject"]
    query = urllib.parse.parse_qs(links["put"].partition("?")[2])
    signature = (query.get("X-Amz-Signature") or query["Signature"])[0]
    for record in records:
        more = record["additionalEventData"]
        assert record["userIdentity"]["arn"] == ARN and record["requestParameters"]["key"] == name, record
        assert (more["AuthenticationMethod"], more["SignatureVersion"]) == ("QueryString", "SigV4" if version == "s3v4" else "SigV2"), record
        assert signature not in json.dumps(record)


def test_a_form_with_a_policy_works_and_is_its_signers(upstreams, server, bucket):
    if upstreams.kind == "own":
        pytest.skip("Trailkeep's buckets take no forms")
    s3 = client("s3", server.proxy("s3"), REGION, signature_version="s3v4")
    form = s3.generate_presigned_post(bucket, "forms/${filename}", Conditions=[["starts-with", "$key", "forms/"]], ExpiresIn=60)
    done = requests.post(form["url"], data=form["fields"], files={"file": ("a.txt", b"form-content-5040")}, timeout=30)
    assert done.status_code in (200, 201, 204), done.text
    assert s3.get_object(Bucket=bucket, Key="forms/a.txt")["Body"].read() == b"form-content-5040"
    records = keyed(server, bucket, 3)
    [record] = [record for record in records if record["eventName"] in ("PostObject", "PutObject")]
    assert record["userIdentity"]["arn"] == ARN and record["readOnly"] is False and record["managementEvent"] is False, record
    assert record["requestParameters"]["bucketName"] == bucket
    text = json.dumps(record)
    assert "form-content-5040" not in text and form["fields"]["x-amz-signature"] not in text


def test_a_bucket_in_the_host_name_is_the_same_bucket(upstreams, server, s3, bucket):
    if upstreams.kind == "own":
        pytest.skip("Trailkeep's buckets answer to paths only")
    s3.put_object(Bucket=bucket, Key="k", Body=b"hello")
    hosts = [f"{bucket}.{DOMAIN}", f"{bucket}.s3.amazonaws.com", f"{bucket}.s3.eu-west-1.amazonaws.com"]
    # Ceph's gateway answers to the domain that it is told.
    hosts = hosts[:1] if upstreams.kind == "ceph" else hosts
    for host in hosts:
        request = AWSRequest("GET", f"http://{host}/k", {}, b"")
        botocore.auth.S3SigV4Auth(Credentials(KEY, SECRET), "s3", REGION).add_auth(request)
        answer = requests.get(f"{server.proxy('s3')}/k", headers={**dict(request.headers.items()), "Host": host}, timeout=30)
        assert answer.content == b"hello", (host, answer.status_code)
    records = keyed(server, bucket, len(hosts), eventName="GetObject")
    assert {record["requestParameters"]["key"] for record in records} == {"k"}
    assert {record["requestParameters"]["Host"] for record in records} == set(hosts)


# --- bodies, ranges, conditions ---


def test_ranges_and_conditions_are_the_upstreams(server, s3, bucket):
    tag = s3.put_object(Bucket=bucket, Key="k", Body=b"0123456789")["ETag"]
    part = s3.get_object(Bucket=bucket, Key="k", Range="bytes=2-4")
    assert part["Body"].read() == b"234" and part["ContentRange"] == "bytes 2-4/10" and part["ResponseMetadata"]["HTTPStatusCode"] == 206
    statuses = {}
    for name, arguments in {
        "unchanged": {"IfNoneMatch": tag}, "other": {"IfMatch": '"0"'}, "beyond": {"Range": "bytes=100-200"},
    }.items():
        with pytest.raises(ClientError) as refused:
            s3.get_object(Bucket=bucket, Key="k", **arguments)
        statuses[name] = refused.value.response["ResponseMetadata"]["HTTPStatusCode"]
    assert statuses == {"unchanged": 304, "other": 412, "beyond": 416}
    head = s3.head_object(Bucket=bucket, Key="k")
    assert head["ContentLength"] == 10 and head["ETag"] == tag
    with pytest.raises(ClientError, match="404"):
        s3.head_object(Bucket=bucket, Key="none")
    records = keyed(server, bucket, 8)
    gets = {record.get("errorCode", "") for record in named(records, "GetObject")}
    assert {"", "PreconditionFailed", "InvalidRange"} <= gets, gets
    assert [record["additionalEventData"]["bytesTransferredOut"] for record in named(records, "GetObject") if "errorCode" not in record and record["additionalEventData"].get("bytesTransferredOut")] == [3]
    heads = named(records, "HeadObject")
    assert [bool(record.get("errorCode")) for record in sorted(heads, key=lambda record: record["requestParameters"]["key"])] == [False, True]


@pytest.mark.parametrize("algorithm", ["CRC32", "SHA256"])
def test_bodies_in_chunks_with_a_checksum_behind_them_arrive_as_they_were_sent(upstreams, server, s3, bucket, algorithm):
    if upstreams.kind == "ceph":
        pytest.skip("Ceph 16 refuses bodies with trailers, with a proxy and without")
    content = os.urandom(3 * MIB)
    s3.put_object(Bucket=bucket, Key="plain", Body=content, ChecksumAlgorithm=algorithm)
    assert s3.get_object(Bucket=bucket, Key="plain", ChecksumMode="ENABLED")["Body"].read() == content
    body = in_chunks(content, algorithm)
    done = put_with_trailer(f"{server.proxy('s3')}/{bucket}/trailing", body, len(content), algorithm)
    assert done.status_code == 200, done.text
    assert s3.get_object(Bucket=bucket, Key="trailing")["Body"].read() == content
    [record] = [record for record in keyed(server, bucket, 2, eventName="PutObject") if record["requestParameters"]["key"] == "trailing"]
    assert record["additionalEventData"]["bytesTransferredIn"] in (len(content), len(body)), record
    assert record["userIdentity"]["arn"] == ARN


def checksum(content, algorithm):
    value = zlib.crc32(content).to_bytes(4, "big") if algorithm == "CRC32" else hashlib.sha256(content).digest()
    return base64.b64encode(value).decode()


def in_chunks(content, algorithm):
    """A body as boto3 sends it over TLS: in chunks of its own coding, with the checksum behind them."""
    pieces = [content[at:at + 65_536] for at in range(0, len(content), 65_536)]
    body = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
    return body + f"0\r\nx-amz-checksum-{algorithm.lower()}:{checksum(content, algorithm)}\r\n\r\n".encode()


def put_with_trailer(url, body, length, algorithm):
    headers = {
        "Content-Encoding": "aws-chunked", "X-Amz-Decoded-Content-Length": str(length), "X-Amz-Trailer": f"x-amz-checksum-{algorithm.lower()}",
        "x-amz-sdk-checksum-algorithm": algorithm,
    }
    request = AWSRequest("PUT", url, headers, b"")
    # This is how botocore knows that the checksum comes last.
    request.context["checksum"] = {"request_algorithm": {"in": "trailer", "algorithm": algorithm.lower()}}
    botocore.auth.S3SigV4Auth(Credentials(KEY, SECRET), "s3", REGION).add_auth(request)
    return requests.put(url, data=body, headers=dict(request.headers.items()), timeout=60)


def test_metadata_types_and_odd_keys_survive(server, s3, bucket):
    keys = ["plus+ and space", "percent%41", "ümläut/☃", "a//b", "a/../b", "quote'\"", "tilde~!*()", "trailing/"]
    for key in keys:
        s3.put_object(Bucket=bucket, Key=key, Body=key.encode(), ContentType="text/x-odd", Metadata={"note": "value with spaces"})
        found = s3.get_object(Bucket=bucket, Key=key)
        assert found["Body"].read() == key.encode() and found["ContentType"] == "text/x-odd" and found["Metadata"] == {"note": "value with spaces"}
    records = keyed(server, bucket, 1 + 2 * len(keys))
    assert sorted(record["requestParameters"]["key"] for record in named(records, "PutObject")) == sorted(keys)
    arns = {resource["ARN"] for record in named(records, "PutObject") for resource in record["resources"] if resource["type"] == "AWS::S3::Object"}
    assert arns == {f"arn:aws:s3:::{bucket}/{key}" for key in keys}
