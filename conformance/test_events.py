"""POST /v1/events: what is taken, what is not and why, and that nothing is kept twice."""

import concurrent.futures
import gzip
import io
import json
import struct
import uuid
import zlib

import pytest

from conftest import Server, eventually
from wire import ACCOUNT, NDJSON, call, found, kept, make_token, post_events, record, send, signed

JSON = "application/json"
OTHER = "210987654321"
OTHER_KEYS = ("AKIAOTHEROTHEROTHER1", "other-secret")
OTHER_ROOT = dict(zip(["aws_access_key_id", "aws_secret_access_key"], OTHER_KEYS))
STRANGER = "333333333333"
CONFIG = f"""
[[account]]
id = "{OTHER}"
access_key_id = "{OTHER_KEYS[0]}"
secret_access_key = "{OTHER_KEYS[1]}"
"""
MIB = 1 << 20


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("server"), config=CONFIG).start()
    yield server
    server.kill()


@pytest.fixture(scope="module")
def token(server):
    return make_token(server, "--ingest")


def refused(answer, status, code=None):
    assert answer.status == status and set(answer.json) == {"__type", "message"} and answer.json["message"], answer
    assert code in (None, answer.code), answer


ZSTD_HEAD = struct.pack("<IBB", 0xFD2FB528, 0, 10 << 3)  # no size told, a window of 1 MiB


def zstd_block(content, last=False, repeat=0):
    """A block as it is, or of one byte so many times."""
    kind, length = (1, repeat) if repeat else (0, len(content))
    return struct.pack("<I", last | kind << 1 | length << 3)[:3] + content


def zstd(content):
    """A frame of zstd, for a Python without it: what it holds is not compressed."""
    return ZSTD_HEAD + zstd_block(content, last=True)


def stored(server, event_id, account=None, region="us-east-1"):
    """The records of that eventID, as soon as there are any."""
    events = eventually(lambda: found(server, "EventId", event_id, region, **(account or {})), 10)
    return [json.loads(event["CloudTrailEvent"]) for event in events]


def is_stored(server, record, account=None):
    assert stored(server, record["eventID"], account) == [record]


def is_hidden(server, record, account=None):
    """Asked after another record that came with it, or later, can be seen."""
    assert found(server, "EventId", record["eventID"], **(account or {})) == []


# --- what is taken ---


def test_records_come_as_an_object_or_line_by_line_plain_or_compressed(server, token):
    for coding, pack in [(None, bytes), ("identity", bytes), ("gzip", gzip.compress), ("GZIP", gzip.compress), ("zstd", zstd)]:
        records = [record(), record()]
        whole = json.dumps({"Records": records}, indent=1).encode()
        lines = b"\r\n".join(json.dumps(one).encode() for one in [record(), record()]) + b"\n\n"
        kept(post_events(server, pack(whole), token, JSON, coding=coding), 2)
        kept(post_events(server, pack(lines), token, f"{NDJSON}; charset=utf-8", coding=coding), 2)
        kept(post_events(server, pack(whole), token, JSON, coding=coding), 0, duplicates=2)
        for one in records:
            is_stored(server, one)


def test_an_empty_envelope_is_fine_and_so_are_other_members(server, token):
    kept(post_events(server, b'{"Records":[]}', token, JSON), 0)
    kept(post_events(server, b"", token), 0)
    kept(post_events(server, json.dumps({"x": {"Records": 1}, "Records": [record()], "y": []}).encode(), token, JSON), 1)


def test_gzip_members_one_after_another_are_one_body(server, token):
    lines = [json.dumps(record()).encode() + b"\n" for _ in range(3)]
    kept(post_events(server, b"".join(map(gzip.compress, lines)), token, coding="gzip"), 3)


def test_a_body_in_chunks_is_taken(server, token):
    body = json.dumps(record()).encode()
    headers = {"Authorization": f"Bearer {token}", "Content-Type": NDJSON, "Transfer-Encoding": "chunked"}
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(body[n : n + 7]), body[n : n + 7]) for n in range(0, len(body), 7)) + b"0\r\n\r\n"
    kept(send(server, path="/v1/events", body=iter([chunks]), headers=headers), 1)


def test_what_is_missing_is_filled_in_and_spaces_go(server):
    time = record()["eventTime"]
    text = f' {{ "eventTime" : "{time}",\t"eventSource":"test.example.com", "eventName":"Filled in", "x" : {{ "a b" : [ 1.50 , 1e3 ] }} }} '
    kept(post_events(server, text.encode(), region="eu-west-1"), 1)
    event = eventually(lambda: found(server, "EventName", "Filled in", "eu-west-1"))[0]
    start = f'{{"eventTime":"{time}","eventSource":"test.example.com","eventName":"Filled in","x":{{"a b":[1.50,1e3]}},'
    assert event["CloudTrailEvent"].startswith(start), event
    filled = json.loads(event["CloudTrailEvent"])
    assert (filled["awsRegion"], filled["recipientAccountId"]) == ("eu-west-1", ACCOUNT)
    assert str(uuid.UUID(filled["eventID"])) == filled["eventID"] == event["EventId"]


def test_a_retry_of_records_without_event_id_is_a_duplicate_and_equal_records_in_one_request_are_not(server, token):
    body = b"\n".join([json.dumps(record("Nameless", eventID=None)).encode()] * 3)
    kept(post_events(server, body, token), 3)
    kept(post_events(server, body, token), 0, duplicates=3)


def test_the_same_identity_with_other_content_is_kept_and_counted_as_a_conflict(server, token):
    first = record()
    forged = {**first, "userIdentity": {"type": "Root"}}
    kept(post_events(server, [first, first, forged, forged], token), 2, duplicates=2, conflicts=1)
    both = eventually(lambda: len(events := stored(server, first["eventID"])) == 2 and events)
    assert first in both and forged in both
    # Another Region or account is another identity.
    kept(post_events(server, [{**first, "awsRegion": "eu-west-1"}], token), 1)


def test_an_event_that_nothing_keeps_is_expired(server, token):
    # Event history keeps 90 days, the event data store of the first start ten years.
    kept(post_events(server, [record(seconds_ago=91 * 86_400)], token), 1)
    old = record(seconds_ago=3_654 * 86_400)
    kept(post_events(server, [old, record()], token), 1, expired=1)
    # A data event without a trail or a store that wants it has no place either.
    kept(post_events(server, [record(eventCategory="Data", managementEvent=False)], token), 0, expired=1)
    # Imports are kept for ever.
    kept(post_events(server, [old], token, query="?route=history"), 1)
    is_stored(server, old)


# --- what is not taken ---

REJECTED = {
    "no JSON": (b"{nonsense", "InvalidJson"),
    "no object": (b"[1,2]", "InvalidJson"),
    "two values": (b"{} {}", "InvalidJson"),
    "no UTF-8": (b'{"eventName":"\xff"}', "InvalidJson"),
    "a lone surrogate": (json.dumps(record()).replace("TestEvent", "\\ud800").encode(), None),
    "too deep": (json.dumps(record()).encode()[:-1] + b',"x":' + b"[" * 200 + b"]" * 200 + b"}", "InvalidJson"),
    "no time": (json.dumps(record(eventTime=None)).encode(), "MissingField"),
    "no source": (json.dumps(record(eventSource=None)).encode(), "MissingField"),
    "no name": (json.dumps(record(eventName=None)).encode(), "MissingField"),
    "a time that is none": (json.dumps(record(eventTime="yesterday")).encode(), "InvalidField"),
    "a number for a time": (json.dumps(record(eventTime=1767323045)).encode(), "InvalidField"),
    "a month too many": (json.dumps(record(eventTime="2026-13-01T00:00:00Z")).encode(), "InvalidField"),
    "an empty id": (json.dumps(record(eventID="")).encode(), "InvalidField"),
    "a Region with a slash": (json.dumps(record(awsRegion="../../etc")).encode(), "InvalidField"),
    "a key twice": (json.dumps(record()).encode()[:-1] + b',"eventName":"Other"}', "DuplicateKey"),
    "a key twice, once escaped": (json.dumps(record()).encode()[:-1] + b',"event\\u004eame":"Other"}', "DuplicateKey"),
    "over 256 KiB": (json.dumps(record(x="y" * (256 << 10))).encode(), "TooLarge"),
    "a stranger": (json.dumps(record(recipientAccountId=STRANGER)).encode(), "AccountNotPermitted"),
    "another account": (json.dumps(record(recipientAccountId=OTHER)).encode(), "AccountNotPermitted"),
}


@pytest.mark.parametrize("case", REJECTED)
def test_a_bad_record_is_named_and_the_good_ones_around_it_are_kept(server, token, case):
    bad, code = REJECTED[case]
    before, after = record(), record()
    body = b"\n".join([json.dumps(before).encode(), bad, json.dumps(after).encode()])
    told = kept_but(post_events(server, body, token), accepted=2)
    assert [one["index"] for one in told] == [1] and code in (None, told[0]["code"]) and told[0]["message"], told
    for one in [before, after]:
        is_stored(server, one)


def kept_but(answer, accepted):
    assert answer.status == 200 and answer.json["accepted"] == accepted, answer
    for one in answer.json["rejected"]:
        assert set(one) == {"index", "code", "message"}
    return answer.json["rejected"]


def test_all_records_may_be_rejected_and_the_answer_is_still_200(server, token):
    told = kept_but(post_events(server, json.dumps({"Records": [1, None, {}, "x"]}).encode(), token, JSON), 0)
    assert [one["index"] for one in told] == [0, 1, 2, 3]


def test_a_record_of_exactly_the_limit_is_taken(server, token):
    one = record(x="")
    one["x"] = "y" * ((256 << 10) - len(json.dumps(one, separators=(",", ":"))))
    kept(post_events(server, json.dumps(one).encode(), token), 1)
    is_stored(server, one)


@pytest.mark.parametrize("body, media_type", [
    (b"{", JSON), (b"[]", JSON), (b"{}", JSON), (b'{"Records":{}}', JSON), (b'{"Records":null}', JSON), (b'{"records":[]}', JSON), (b"", JSON),
    (b'{"Records":[]} x', JSON), (b'{"Records":[],"Records":[]}', JSON), (b'{"Records":[{}', JSON),
])
def test_an_envelope_that_cannot_be_read_is_400(server, token, body, media_type):
    refused(post_events(server, body, token, media_type), 400)


@pytest.mark.parametrize("media_type, coding", [("text/plain", None), ("", None), ("application/xml", None), (JSON, "br"), (JSON, "deflate"), (JSON, "gzip, gzip")])
def test_other_types_and_codings_are_415(server, token, media_type, coding):
    refused(post_events(server, b'{"Records":[]}', token, media_type, coding=coding), 415)


@pytest.mark.parametrize("body, coding", [
    (gzip.compress(json.dumps(record()).encode())[:-9], "gzip"), (b"not gzip at all", "gzip"), (gzip.compress(b"{}") + b"rest", "gzip"),
    (zstd(json.dumps(record()).encode())[:-9], "zstd"), (b"not zstd at all", "zstd"), (b"", "gzip"),
])
def test_a_damaged_body_is_400_and_nothing_of_it_is_kept(server, token, body, coding):
    before = len(found(server, "EventName", "TestEvent"))
    refused(post_events(server, body, token, coding=coding), 400)
    assert len(found(server, "EventName", "TestEvent")) == before


def test_a_zip_bomb_is_413_at_little_cost(server, token):
    deflate = zlib.compressobj(9, zlib.DEFLATED, 31)
    head, block = (deflate.compress(b" " * MIB) + deflate.flush(zlib.Z_FULL_FLUSH) for _ in range(2))
    refused(post_events(server, head + block * 4_000, token, coding="gzip"), 413)
    refused(post_events(server, ZSTD_HEAD + zstd_block(b" ", repeat=0x10000) * 64_000, token, coding="zstd"), 413)
    assert memory_peak_mib(server) < 700


def test_many_bodies_at_once_do_not_take_more_memory_than_there_is_for_them(server, token):
    record_of_64_kib = json.dumps(record(x="y" * (64 << 10))).encode() + b"\n"
    body = gzip.compress(record_of_64_kib * 900, 1)
    with concurrent.futures.ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda _: post_events(server, body, token, coding="gzip"), range(10)))
    assert [answer.json["accepted"] + answer.json["duplicates"] for answer in answers] == [900] * 10
    assert sum(answer.json["accepted"] for answer in answers) == 1
    assert memory_peak_mib(server) < 700


def memory_peak_mib(server):
    status = open(f"/proc/{server.process.pid}/status").read()
    return int(status.split("VmHWM:")[1].split()[0]) >> 10


def test_limits_of_the_body(server, token):
    refused(post_events(server, b" " * (64 * MIB + 1), token), 413)
    refused(post_events(server, gzip.compress(b" " * (64 * MIB + 1), 1), token, coding="gzip"), 413)
    kept(post_events(server, gzip.compress(b" " * (64 * MIB - 1) + b"\n", 1), token, coding="gzip"), 0)
    refused(post_events(server, b'{"Records":[' + b",".join([b"1"] * 100_001) + b"]}", token, JSON), 413)
    assert len(kept_but(post_events(server, b"{}\n" * 100_000, token), 0)) == 100_000
    refused(post_events(server, b"{}\n" * 100_001, token), 413)


def test_only_post_is_taken(server):
    for method in ["GET", "PUT", "DELETE"]:
        refused(send(server, method, "/v1/events", headers=signed(server, method, "/v1/events")), 405)


# --- whose ---


def test_the_root_and_tokens_that_adopt_may_send_for_strangers(server, token):
    theirs, more = record(recipientAccountId=STRANGER), record(recipientAccountId=None, userIdentity={"accountId": STRANGER})
    for sender in [{"token": token}, {"keys": OTHER_KEYS}, {"token": make_token(server, "--ingest", "--account", OTHER)}]:
        told = kept_but(post_events(server, [theirs, more], **sender), 0)
        assert [one["code"] for one in told] == ["AccountNotPermitted"] * 2
    kept(post_events(server, [theirs]), 1)
    kept(post_events(server, [theirs, more], make_token(server, "--ingest", "--adopt")), 1, duplicates=1)
    # They are in the default account's history, under their own id.
    is_stored(server, theirs)
    is_hidden(server, theirs, OTHER_ROOT)
    assert stored(server, more["eventID"])[0]["recipientAccountId"] == STRANGER


def test_a_registered_account_is_a_wall_even_for_the_root(server, token):
    theirs = record(recipientAccountId=OTHER)
    for sender in [{}, {"token": token}, {"token": make_token(server, "--ingest", "--adopt")}]:
        assert kept_but(post_events(server, [theirs], **sender), 0)[0]["code"] == "AccountNotPermitted"
    kept(post_events(server, [theirs], keys=OTHER_KEYS), 1)
    kept(post_events(server, [theirs], make_token(server, "--ingest", "--account", OTHER)), 0, duplicates=1)
    is_stored(server, theirs, OTHER_ROOT)
    is_hidden(server, theirs)


def test_the_account_of_a_record_that_names_none_is_the_senders(server):
    one = record(recipientAccountId=None, userIdentity={"type": "AWSService"})
    kept(post_events(server, [one], keys=OTHER_KEYS), 1)
    assert stored(server, one["eventID"], OTHER_ROOT)[0]["recipientAccountId"] == OTHER


# --- where to ---


def test_a_route_names_where_events_go(server, token):
    to = lambda query, one: post_events(server, [one], token, query=query)
    for query in ["?route=history", "?route=history,trails", "?route=trails,history", "?route=history%2Ctrails"]:
        one = record()
        kept(to(query, one), 1)
        is_stored(server, one)
    # There is no trail: nothing would keep it.
    kept(to("?route=trails", record()), 0, expired=1)
    for query in ["?route=history&route=trails", "?route=", "?route=elsewhere", "?route=history,elsewhere", "?route=,"]:
        refused(to(query, record()), 400)
    refused(to("?route=store:main", record()), 400, "EventDataStoreNotFoundException")


def test_insight_events_need_no_source_and_name(server, token):
    insight = {
        "eventVersion": "1.08", "eventTime": record()["eventTime"], "awsRegion": "us-east-1", "eventID": str(uuid.uuid4()),
        "eventType": "AwsCloudTrailInsight", "recipientAccountId": ACCOUNT, "sharedEventID": str(uuid.uuid4()), "eventCategory": "Insight",
        "insightDetails": {"state": "Start", "eventSource": "ec2.amazonaws.com", "eventName": "RunInstances", "insightType": "ApiCallRateInsight"},
    }
    kept(post_events(server, [insight], token), 1)
    is_hidden(server, insight)
    client = server.client("cloudtrail")
    for attribute, value in [("EventId", insight["eventID"]), ("EventName", "RunInstances"), ("EventSource", "ec2.amazonaws.com")]:
        asked = {"EventCategory": "insight", "LookupAttributes": [{"AttributeKey": attribute, "AttributeValue": value}]}
        events = eventually(lambda: client.lookup_events(**asked)["Events"])
        assert [json.loads(event["CloudTrailEvent"]) for event in events] == [insight], attribute


# --- /v1/import ---


def tar(members):
    import tarfile

    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as writer:
        for name, content in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            writer.addfile(entry, io.BytesIO(content))
    return archive.getvalue()


def test_an_archive_is_answered_file_by_file(server, token):
    good, old = record(), record(seconds_ago=400 * 86_400)
    whole = lambda *records: json.dumps({"Records": records}).encode()
    archive = tar({
        "a.json": whole(good), "b.json.gz": gzip.compress(whole(old, {})), "c.json": whole(good), "d.json.gz": b"damaged", "e.json": b"{}",
    })
    answer = send(server, path="/v1/import", body=archive, headers={"Authorization": f"Bearer {token}", "Content-Type": "application/x-tar"})
    assert answer.status == 200 and answer.headers["Content-Type"] == NDJSON, answer
    lines = {line["file"]: line for line in map(json.loads, answer.body.splitlines())}
    counts = lambda name: {key: lines[name][key] for key in ["accepted", "duplicates", "conflicts", "expired"]}
    assert counts("a.json") == {"accepted": 1, "duplicates": 0, "conflicts": 0, "expired": 0}
    assert counts("b.json.gz")["accepted"] == 1 and lines["b.json.gz"]["rejected"][0]["index"] == 1
    assert counts("c.json")["duplicates"] == 1
    assert set(lines["d.json.gz"]["error"]) == {"code", "message"} and "error" in lines["e.json"]
    is_stored(server, old)


def test_an_archive_that_ends_too_soon_is_400_and_what_came_before_is_kept(server, token):
    first, second = record(), record()
    archive = tar({"a.json": json.dumps({"Records": [first]}).encode(), "b.json": json.dumps({"Records": [second]}).encode()})
    answer = send(server, path="/v1/import", body=archive[:1700], headers={"Authorization": f"Bearer {token}"})
    assert answer.status == 400, answer
    again = send(server, path="/v1/import", body=archive, headers={"Authorization": f"Bearer {token}"})
    assert [json.loads(line)["accepted"] for line in again.body.splitlines()][1] == 1


def test_events_are_kept_through_a_kill(server, token):
    records = [record("Kept") for _ in range(300)]
    kept(post_events(server, records, token), 300)
    server.kill()
    server.start()
    eventually(lambda: send(server, "GET", "/healthz/ready").status == 200)
    eventually(lambda: {event["EventId"] for event in found(server, "EventName", "Kept")} == {one["eventID"] for one in records})
    kept(post_events(server, records, token), 0, duplicates=300)


def test_nothing_is_recorded_about_sending_events(server):
    names = {event["EventName"] for event in found(server, "EventSource", "cloudtrail.amazonaws.com")}
    assert names <= {"LookupEvents", "CreateToken"}, names
    assert call(server, "ListTrails").status == 200
