"""Much at once through the recording proxy: an object of a gibibyte in parts, and ten thousand small ones by 32 clients."""

import collections
import concurrent.futures
import hashlib
import io
import threading

import boto3
import pytest
from boto3.s3.transfer import TransferConfig
from botocore.config import Config

from proxy_setup import KEY, SECRET, Recorder, client, resident_kib
from proxy_upstreams import own_buckets

GIB = 1 << 30
MIB = 1 << 20
PART = 8 * MIB
OBJECTS = 10_000
CLIENTS = 32
GROWTH_KIB_MAX = 200 * 1024
REGION = "us-east-1"


@pytest.fixture(scope="module")
def upstream(tmp_path_factory):
    server = own_buckets(tmp_path_factory.mktemp("upstream"))
    yield server
    server.kill()


@pytest.fixture(scope="module")
def server(upstream, tmp_path_factory):
    server = Recorder(tmp_path_factory.mktemp("trailkeep"), {"s3": {"upstream": upstream.url, "service": "s3"}}).start().keep_everything()
    yield server
    server.kill()


class Generated(io.RawIOBase):
    """Bytes that are made as they are read, and hashed; nothing of them is kept."""

    def __init__(self, length):
        self.left, self.hash, self.block = length, hashlib.sha256(), bytes(range(256)) * (MIB // 256)

    def readable(self):
        return True

    def read(self, size=-1):
        size = self.left if size is None or size < 0 else min(size, self.left)
        piece = (self.block * (size // len(self.block) + 1))[:size]
        self.left -= size
        self.hash.update(piece)
        return piece


def test_a_gibibyte_goes_up_in_parts_and_comes_back_and_memory_stays_flat(server):
    s3 = client("s3", server.proxy("s3"), REGION)
    s3.create_bucket(Bucket="volume")
    s3.put_object(Bucket="volume", Key="warm", Body=b"x" * PART)
    before, _ = resident_kib(server.process.pid)
    content = Generated(GIB)
    s3.upload_fileobj(content, "volume", "large", Config=TransferConfig(multipart_chunksize=PART, multipart_threshold=PART, max_concurrency=4))
    hashed, length = hashlib.sha256(), 0
    for piece in s3.get_object(Bucket="volume", Key="large")["Body"].iter_chunks(MIB):
        hashed.update(piece)
        length += len(piece)
    assert length == GIB and hashed.digest() == content.hash.digest()
    _, most = resident_kib(server.process.pid)
    assert most - before < GROWTH_KIB_MAX, f"{before} KiB before, {most} KiB at most"

    parts = server.await_records(GIB // PART, eventName="UploadPart")
    assert sorted(int(record["requestParameters"]["partNumber"]) for record in parts) == list(range(1, GIB // PART + 1))
    assert sum(record["additionalEventData"]["bytesTransferredIn"] for record in parts) == GIB
    [made], [done] = server.await_records(1, eventName="CreateMultipartUpload"), server.await_records(1, eventName="CompleteMultipartUpload")
    assert made["requestParameters"]["key"] == done["requestParameters"]["key"] == "large"
    assert {record["requestParameters"]["uploadId"] for record in [*parts, done]} == {done["requestParameters"]["uploadId"]}
    [got] = server.await_records(1, eventName="GetObject")
    assert got["additionalEventData"]["bytesTransferredOut"] == GIB


def test_ten_thousand_objects_by_32_clients_are_each_recorded_once(server):
    client("s3", server.proxy("s3"), REGION).create_bucket(Bucket="crowd")
    before, _ = resident_kib(server.process.pid)
    session = boto3.Session(aws_access_key_id=KEY, aws_secret_access_key=SECRET, region_name=REGION)
    # One description of the service for all; each client has connections of its own.
    clients = [
        session.client("s3", endpoint_url=server.proxy("s3"), config=Config(retries={"max_attempts": 0}, s3={"addressing_style": "path"}, request_checksum_calculation="when_required"))
        for _ in range(CLIENTS)
    ]
    answered, lock = {}, threading.Lock()

    def put(number):
        own = {}
        for n in range(number, OBJECTS, CLIENTS):
            key = f"{number:02}/{n}"
            answer = clients[number].put_object(Bucket="crowd", Key=key, Body=b"%d" % n)
            own[answer["ResponseMetadata"]["RequestId"]] = key
        with lock:
            answered.update(own)

    with concurrent.futures.ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(put, range(CLIENTS)))
    assert len(answered) == OBJECTS
    found = server.await_ids(answered)
    for id, key in answered.items():
        assert found[id][1]["requestParameters"]["key"] == key
    keys = collections.Counter(record["requestParameters"]["key"] for record in server.records(eventName="PutObject") if record["requestParameters"]["bucketName"] == "crowd")
    assert len(keys) == OBJECTS and set(keys.values()) == {1}
    after, _ = resident_kib(server.process.pid)
    assert after - before < GROWTH_KIB_MAX * 2, "event data stores keep what came lately in memory; nothing else may grow"
