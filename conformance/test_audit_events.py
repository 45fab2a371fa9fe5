"""PutAuditEvents: events of other sources through a channel, by its owner and by others, and what becomes of each."""

import base64
import datetime
import hashlib
import http.client
import json
import re
import uuid
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from conftest import Server, eventually
from integrations import (
    ACCOUNT, CONFIG, OTHER, OTHER_ROOT, THIRD, THIRD_ROOT, activity, ask, entry, make_channel, make_store, policy, selectors, statement, to,
)
from wire import post_events, record, refused, root_keys, send, signed

UUID = re.compile(r"[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}")
NOWHERE = f"arn:aws:cloudtrail:us-east-1:{ACCOUNT}:channel/{uuid.uuid4()}"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("server"), config=CONFIG).start()
    yield server
    server.kill()


@pytest.fixture(scope="module")
def data(server):
    return server.client("cloudtrail-data")


@pytest.fixture(scope="module")
def store(server):
    return make_store(server, "activity")


@pytest.fixture(scope="module")
def channel(server, store):
    return make_channel(server, "shop", store)


def members(answer):
    return {key: value for key, value in answer.items() if key != "ResponseMetadata"}


def put(client, channel, *entries, **arguments):
    return members(client.put_audit_events(channelArn=channel, auditEvents=list(entries), **arguments))


def kept(server, store, event_id):
    """The record of that id as the store has it."""
    statement = f"SELECT eventjson FROM {store.rsplit('/')[1]} WHERE eventID = '{event_id}'"
    found = eventually(lambda: ask(server, statement))
    assert len(found) == 1
    return json.loads(found[0][0])


def count(server, store, uid):
    return int(ask(server, f"SELECT count(*) FROM {store.rsplit('/')[1]} WHERE eventData.UID = '{uid}'")[0][0])


def request(server, body, channel, query="", keys=None, **headers):
    """The request as it goes over the wire."""
    body = body if isinstance(body, bytes) else json.dumps(body).encode()
    path = f"/PutAuditEvents?channelArn={quote(channel, safe='')}{query}"
    headers = {"Content-Type": "application/json", **headers}
    return send(server, path=path, body=body, headers=signed(server, path=path, body=body, headers=headers, service="cloudtrail-data", keys=keys))


# --- what is taken ---


def test_an_event_becomes_the_documented_record(server, data, store, channel):
    sent = activity(UID="whole", errorCode="Denied", errorMessage="no", responseElements={"ok": False}, additionalEventData={"a": [1, {"b": None}]})
    before = datetime.datetime.now(datetime.UTC).replace(microsecond=0, tzinfo=None)
    answer = put(data, channel, entry("e-1", sent))
    assert answer["failed"] == [] and [event["id"] for event in answer["successful"]] == ["e-1"]
    event_id = answer["successful"][0]["eventID"]
    assert UUID.fullmatch(event_id)
    event = kept(server, store, event_id)
    ingested = datetime.datetime.strptime(event["metadata"].pop("ingestionTime"), "%Y-%m-%dT%H:%M:%S")
    assert before <= ingested <= datetime.datetime.now(datetime.UTC).replace(tzinfo=None)
    assert event == {
        "eventVersion": "1.0", "eventCategory": "ActivityAuditLog", "eventType": "ActivityLog", "eventID": event_id, "eventTime": sent["eventTime"],
        "awsRegion": "us-east-1", "recipientAccountId": ACCOUNT, "metadata": {"channelARN": channel}, "eventData": sent,
    }
    columns = "eventData.eventName, eventData.userIdentity.principalId, element_at(eventData.requestParameters, 'order'), metadata.channelARN"
    row = ask(server, f"SELECT {columns} FROM {store.rsplit('/')[1]} WHERE eventID = '{event_id}'")
    assert row == [["RefundIssued", "dana", "o-1", channel]]


def test_the_cli_puts_events_as_the_guide_shows(server, store, channel):
    wrapped = json.dumps(json.dumps(activity(UID="from-cli")))
    shorthand = ["--audit-events", f"id=cli-1,eventData={wrapped}"]
    answer = server.aws("cloudtrail-data", "put-audit-events", "--channel-arn", channel, "--cli-input-json", json.dumps({"auditEvents": [{"id": "cli-1", "eventData": wrapped}]}))
    assert answer["failed"] == [] and answer["successful"][0]["id"] == "cli-1"
    assert kept(server, store, answer["successful"][0]["eventID"])["eventData"]["UID"] == "from-cli"
    answer = server.aws("cloudtrail-data", "put-audit-events", "--channel-arn", channel, "--external-id", "ignored", *shorthand)
    assert answer["failed"] == [] and answer["successful"][0]["id"] == "cli-1"


def test_a_channel_takes_events_as_soon_as_its_store_and_it_are_made(server, data):
    client = server.client("cloudtrail")
    arguments = {"MultiRegionEnabled": False, "TerminationProtectionEnabled": False, "AdvancedEventSelectors": selectors("ActivityAuditLog")}
    for n in range(3):
        store = client.create_event_data_store(Name=f"at-once-{n}", **arguments)["EventDataStoreArn"]
        channel = make_channel(server, f"at-once-{n}", store)
        event_id = put(data, channel, entry("e", activity(UID="at-once")))["successful"][0]["eventID"]
        assert kept(server, store, event_id)["metadata"]["channelARN"] == channel
        client.delete_channel(Channel=channel)
        eventually(lambda: client.get_event_data_store(EventDataStore=store)["Status"] == "ENABLED")
        client.delete_event_data_store(EventDataStore=store)


def test_the_same_event_is_kept_as_often_as_it_is_sent(server, data, store, channel):
    sent = entry("again", activity(UID="again"))
    ids = {put(data, channel, sent)["successful"][0]["eventID"] for _ in range(3)}
    assert len(ids) == 3
    eventually(lambda: count(server, store, "again") == 3)


def test_an_event_goes_to_every_destination(server, data, store):
    second = make_store(server, "second")
    arn = make_channel(server, "both", store, second)
    event_id = put(data, arn, entry("e", activity(UID="both")))["successful"][0]["eventID"]
    assert kept(server, store, event_id) == kept(server, second, event_id)
    server.client("cloudtrail").update_channel(Channel=arn, Destinations=to(second))
    put(data, arn, entry("e", activity(UID="both")))
    eventually(lambda: count(server, second, "both") == 2)
    assert count(server, store, "both") == 1
    server.client("cloudtrail").delete_channel(Channel=arn)
    with refused("ChannelNotFound"):
        put(data, arn, entry())
    assert count(server, second, "both") == 2, "what came in stays"


def test_a_hundred_events_come_back_in_their_order(server, data, store, channel):
    entries = [entry(f"e-{n}", activity(UID="many") if n % 3 else "broken") for n in range(100)]
    answer = put(data, channel, *entries)
    assert [event["id"] for event in answer["successful"]] == [f"e-{n}" for n in range(100) if n % 3]
    assert [event["id"] for event in answer["failed"]] == [f"e-{n}" for n in range(100) if n % 3 == 0]
    assert len({event["eventID"] for event in answer["successful"]}) == 66
    eventually(lambda: count(server, store, "many") == 66)


def test_events_put_at_once_are_all_kept(server, store, channel):
    def one(n):
        client = boto3.client(
            "cloudtrail-data", "us-east-1", endpoint_url=server.url, config=Config(retries={"max_attempts": 1}),
            **dict(zip(["aws_access_key_id", "aws_secret_access_key"], root_keys(server))),
        )
        return [put(client, channel, *[entry(f"{n}-{k}", activity(UID="at-once")) for k in range(5)]) for _ in range(5)]

    with ThreadPoolExecutor(8) as threads:
        answers = [answer for answers in threads.map(one, range(8)) for answer in answers]
    assert sum(len(answer["successful"]) for answer in answers) == 200
    eventually(lambda: count(server, store, "at-once") == 200)


def test_what_is_answered_outlives_a_kill(make_server):
    server = make_server(config=CONFIG)
    store = make_store(server, "activity")
    channel = make_channel(server, "shop", store)
    client = server.client("cloudtrail-data")
    ids = []
    for n in range(20):
        ids.append(put(client, channel, entry(f"e-{n}", activity(UID="killed")))["successful"][0]["eventID"])
    server.kill()
    server.start()
    eventually(lambda: count(server, store, "killed") == 20)
    found = ask(server, f"SELECT eventID FROM {store.rsplit('/')[1]} WHERE eventData.UID = 'killed'")
    assert sorted(row[0] for row in found) == sorted(ids)
    put(client, channel, entry("more", activity(UID="killed")))
    eventually(lambda: count(server, store, "killed") == 21)


def test_an_event_older_than_the_store_keeps_is_taken_and_not_found(server, data, store, channel):
    old = activity(UID="old", eventTime="2020-01-01T00:00:00Z")
    answer = put(data, channel, entry("old", old), entry("new", activity(UID="beside-old")))
    assert len(answer["successful"]) == 2 and answer["failed"] == []
    eventually(lambda: count(server, store, "beside-old") == 1)
    assert count(server, store, "old") == 0


def test_what_came_through_a_channel_is_nowhere_else(server, data, store, channel):
    event_id = put(data, channel, entry("e", activity(UID="nowhere-else")))["successful"][0]["eventID"]
    kept(server, store, event_id)
    found = server.client("cloudtrail").lookup_events(LookupAttributes=[{"AttributeKey": "EventId", "AttributeValue": event_id}])
    assert found["Events"] == []


def test_nobody_but_a_channel_makes_such_events(server):
    forged = record(eventCategory="ActivityAuditLog", eventType="ActivityLog", metadata={"channelARN": NOWHERE}, eventData=activity())
    for query in ("", "?route=history"):
        told = post_events(server, [forged, record()], query=query).json
        assert (told["accepted"], [(one["index"], one["code"]) for one in told["rejected"]]) == (1, [(0, "InvalidField")])


# --- each entry's error ---


def sha256(text):
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


GOOD = json.dumps(activity())
REFUSALS = {
    "no JSON": ("not json", "InvalidData"),
    "an array": ("[]", "InvalidData"),
    "a number": ("5", "InvalidData"),
    "null": ("null", "InvalidData"),
    "quoted twice": (json.dumps(json.dumps(GOOD)), "InvalidData"),
    "a field twice": (GOOD.replace('{"version"', '{"version": "2", "version"', 1), "InvalidData"),
    "a number for a text": (activity(eventName=5), "InvalidData"),
    "a text for an object": (activity(requestParameters="a=b"), "InvalidData"),
    "a list for an identity": (activity(userIdentity=["dana"]), "InvalidData"),
    "a bad time": (activity(eventTime="yesterday"), "InvalidData"),
    "a time with an offset": (activity(eventTime="2026-11-20T10:00:00+01:00"), "InvalidData"),
    "a host for an address": (activity(sourceIPAddress="localhost"), "InvalidData"),
    **{f"no {name}": (activity(**{name: None}), "FieldNotFound") for name in ["version", "userIdentity", "eventSource", "eventName", "eventTime", "UID", "recipientAccountId"]},
    "an empty name": (activity(eventName=""), "FieldNotFound"),
    "an identity without type": (activity(userIdentity={"principalId": "dana"}), "FieldNotFound"),
    "an identity without principal": (activity(userIdentity={"type": "User"}), "FieldNotFound"),
    "a name in another case": (activity(eventName=None, EventName="x"), "FieldNotFound"),
    "a long version": (activity(version="v" * 257), "FieldTooLong"),
    "a long type": (activity(userIdentity={"type": "t" * 129, "principalId": "p"}), "FieldTooLong"),
    "a long principal": (activity(userIdentity={"type": "t", "principalId": "p" * 1025}), "FieldTooLong"),
    "a long agent": (activity(userAgent="a" * 1025), "FieldTooLong"),
    "a long source": (activity(eventSource="s" * 1025), "FieldTooLong"),
    "a long event name": (activity(eventName="n" * 1025), "FieldTooLong"),
    "a long UID": (activity(UID="u" * 1025), "FieldTooLong"),
    "a long error code": (activity(errorCode="e" * 257), "FieldTooLong"),
    "a long error message": (activity(errorMessage="e" * 257), "FieldTooLong"),
    "large parameters": (activity(requestParameters={"a": "x" * 102400}), "FieldTooLong"),
    "large elements": (activity(responseElements={"a": "x" * 102400}), "FieldTooLong"),
    "large additions": (activity(additionalEventData={"a": "x" * 28672}), "FieldTooLong"),
    "a large event": (activity(userIdentity={"type": "t", "principalId": "p", "details": {"a": "x" * 262144}}), "FieldTooLong"),
    "another recipient": (activity(recipientAccountId=OTHER), "InvalidRecipient"),
    "AWS as source": (activity(eventSource="s3.amazonaws.com"), "InvalidEventSource"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_an_entry_is_refused_by_its_code_and_the_others_are_not(server, data, channel, name):
    sent, code = REFUSALS[name]
    answer = put(data, channel, entry("first"), entry("bad", sent), entry("last"))
    assert [event["id"] for event in answer["successful"]] == ["first", "last"]
    assert [(event["id"], event["errorCode"]) for event in answer["failed"]] == [("bad", code)], answer["failed"]
    assert 1 <= len(answer["failed"][0]["errorMessage"]) <= 1024


def test_checksums_are_of_the_data_as_it_is_sent(data, channel):
    wrapped = json.dumps(GOOD)
    good = [entry("a", GOOD, eventDataChecksum=sha256(GOOD)), entry("b", wrapped, eventDataChecksum=sha256(wrapped)), entry("c", wrapped, eventDataChecksum=sha256(GOOD))]
    bad = [entry("d", GOOD, eventDataChecksum=sha256(GOOD + " ")), entry("e", GOOD, eventDataChecksum="no base64!"), entry("f", GOOD, eventDataChecksum=hashlib.sha256(GOOD.encode()).hexdigest())]
    answer = put(data, channel, *good, *bad)
    assert [event["id"] for event in answer["successful"]] == ["a", "b", "c"]
    assert [(event["id"], event["errorCode"]) for event in answer["failed"]] == [(id, "InvalidChecksum") for id in "def"]


def test_other_fields_stay_in_the_record(server, data, store, channel):
    sent = activity(UID=None, uid="lower", colour="red")
    event_id = put(data, channel, entry("e", sent))["successful"][0]["eventID"]
    expected = {("UID" if key == "uid" else key): value for key, value in sent.items()}
    assert kept(server, store, event_id)["eventData"] == expected
    eventually(lambda: count(server, store, "lower") == 1)


# --- errors of the whole request ---


def test_a_request_is_refused_as_a_whole_in_the_documented_order(server, data, channel):
    twice = [entry("same"), entry("same")]
    for arn, code, status in [
        ("arn:aws:s3:::bucket", "InvalidChannelARN", 400), (NOWHERE + "x", "InvalidChannelARN", 400), (channel.rsplit("/")[1], "InvalidChannelARN", 400),
        (NOWHERE, "ChannelNotFound", 404), (channel.replace("us-east-1", "eu-west-1"), "ChannelNotFound", 404),
        (channel, "DuplicatedAuditEventId", 400),
    ]:
        with pytest.raises(ClientError) as caught:
            data.put_audit_events(channelArn=arn, auditEvents=twice)
        response = caught.value.response
        assert (response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]) == (code, status), response
    with pytest.raises(ClientError) as caught:
        server.client("cloudtrail-data", **OTHER_ROOT).put_audit_events(channelArn=channel, auditEvents=twice)
    assert caught.value.response["Error"]["Code"] == "ChannelInsufficientPermission"
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    with refused("ChannelNotFound"):
        server.client("cloudtrail-data", "eu-west-1").put_audit_events(channelArn=channel, auditEvents=[entry()])


@pytest.mark.parametrize("body, query", [
    ({"auditEvents": []}, ""), ({}, ""), ({"auditEvents": [entry(f"e{n}") for n in range(101)]}, ""), ({"auditEvents": [{"id": "a"}]}, ""),
    ({"auditEvents": [entry("has space")]}, ""), ({"auditEvents": [entry("a" * 129)]}, ""), ({"auditEvents": [entry()]}, "&externalId=a"),
    ({"auditEvents": [entry()]}, "&externalId=a%20b"), ({"auditEvents": [entry()]}, "&externalId=" + "a" * 1225),
])
def test_what_the_model_does_not_allow_is_a_validation_error(server, channel, body, query):
    answer = request(server, body, channel, query)
    assert (answer.status, answer.code, answer.headers["x-amzn-errortype"]) == (400, "ValidationException", "ValidationException"), answer


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"auditEvents":1}', b'{"auditEvents":[1]}', b"not json"])
def test_what_is_no_request_is_not_read(server, channel, body):
    answer = request(server, body, channel)
    assert (answer.status, answer.code) == (400, "SerializationException"), answer


def test_a_request_has_at_most_a_megabyte(server, store, channel):
    def of(size):
        sent = [entry(f"e-{n}", activity(UID="megabyte", additionalEventData={"a": "x" * 10000})) for n in range(90)]
        body = json.dumps({"auditEvents": sent}).encode()
        return body + b" " * (size - len(body))

    answer = request(server, of(1 << 20), channel)
    assert answer.status == 200 and len(answer.json["successful"]) == 90, answer
    answer = request(server, of((1 << 20) + 1), channel)
    assert (answer.status, answer.code) == (400, "ValidationException") and "1048576" in answer.json["message"]


def test_the_endpoint_is_signed_for_itself(server, channel):
    body = json.dumps({"auditEvents": [entry()]}).encode()
    path = f"/PutAuditEvents?channelArn={quote(channel, safe='')}"
    assert send(server, path=path, body=body).status == 403
    keys = root_keys(server)
    wrong = request(server, body, channel, keys=(keys[0], "wrong"))
    assert (wrong.status, wrong.code) == (403, "InvalidSignatureException")
    answer = send(server, path="/PutNothing", body=body, headers=signed(server, path="/PutNothing", body=body, service="cloudtrail-data"))
    assert answer.code == "UnknownOperationException"


# --- other accounts ---


def test_another_account_puts_events_if_the_policy_lets_it(server, store):
    client = server.client("cloudtrail")
    other, third = (server.client("cloudtrail-data", **keys) for keys in (OTHER_ROOT, THIRD_ROOT))
    arn = make_channel(server, "partner", store, source="Okta")
    with refused("ChannelInsufficientPermission"):
        put(other, arn, entry())
    client.put_resource_policy(ResourceArn=arn, ResourcePolicy=policy(statement(arn, [OTHER])))
    event_id = put(other, arn, entry("e", activity(UID="foreign")), externalId="ignored")["successful"][0]["eventID"]
    event = kept(server, store, event_id)
    assert (event["recipientAccountId"], event["eventData"]["recipientAccountId"]) == (ACCOUNT, ACCOUNT)
    # The recipient is the channel's owner, not the sender.
    assert put(other, arn, entry("e", activity(recipientAccountId=OTHER)))["failed"][0]["errorCode"] == "InvalidRecipient"
    with refused("ChannelInsufficientPermission"):
        put(third, arn, entry())
    client.put_resource_policy(ResourceArn=arn, ResourcePolicy=policy(statement(arn, [OTHER, THIRD]), statement(arn, [OTHER], Effect="Deny")))
    with refused("ChannelInsufficientPermission"):
        put(other, arn, entry())
    assert put(third, arn, entry())["failed"] == []
    client.delete_resource_policy(ResourceArn=arn)
    with refused("ChannelInsufficientPermission"):
        put(third, arn, entry())
    # The owner needs no policy, but can be denied.
    assert put(server.client("cloudtrail-data"), arn, entry())["failed"] == []
    client.put_resource_policy(ResourceArn=arn, ResourcePolicy=policy(statement(arn, [ACCOUNT], Effect="Deny")))
    with refused("ChannelInsufficientPermission"):
        put(server.client("cloudtrail-data"), arn, entry())
    client.delete_channel(Channel=arn)


def test_an_external_id_is_asked_for_if_the_policy_has_one(server, store):
    client = server.client("cloudtrail")
    arn = make_channel(server, "external", store, source="Wiz")
    client.put_resource_policy(ResourceArn=arn, ResourcePolicy=policy(statement(arn, [OTHER], external_id=["partner/1", "b+c=d"])))
    for put_by in [server.client("cloudtrail-data", **OTHER_ROOT), server.client("cloudtrail-data")]:
        for given in ("partner/1", "b+c=d"):
            assert put(put_by, arn, entry(), externalId=given)["failed"] == []
        for arguments in ({}, {"externalId": "partner/2"}, {"externalId": "PARTNER/1"}):
            with refused("ChannelInsufficientPermission"):
                put(put_by, arn, entry(), **arguments)
    with refused("ChannelInsufficientPermission"):
        put(server.client("cloudtrail-data", **THIRD_ROOT), arn, entry(), externalId="partner/1")
    client.delete_channel(Channel=arn)


def test_a_channel_of_an_account_that_is_gone_takes_nothing(make_server):
    server = make_server(config=CONFIG)
    store = make_store(server, "activity", settings=THIRD_ROOT)
    arn = make_channel(server, "shop", store, settings=THIRD_ROOT)
    server.client("cloudtrail", **THIRD_ROOT).put_resource_policy(ResourceArn=arn, ResourcePolicy=policy(statement(arn, [OTHER])))
    server.stop()
    config = server.folder / "trailkeep.toml"
    config.write_text(config.read_text().split(f'[[account]]\nid = "{THIRD}"')[0])
    server.start()
    answer = put(server.client("cloudtrail-data", **OTHER_ROOT), arn, entry("e", activity(recipientAccountId=THIRD)))
    assert [(event["id"], event["errorCode"]) for event in answer["failed"]] == [("e", "AccountNotSubscribed")]


# --- how it fares ---


def test_the_channel_tells_how_ingestion_fares(server, data, store):
    client = server.client("cloudtrail")
    arn = make_channel(server, "status", store)
    status = lambda: client.get_channel(Channel=arn).get("IngestionStatus")
    assert status() is None
    first = put(data, arn, entry("a"), entry("b"))["successful"]
    told = status()
    assert set(told) == {"LatestIngestionSuccessTime", "LatestIngestionSuccessEventID", "LatestIngestionAttemptTime", "LatestIngestionAttemptEventID"}
    assert told["LatestIngestionSuccessEventID"] == told["LatestIngestionAttemptEventID"] == first[1]["eventID"]
    assert told["LatestIngestionSuccessTime"] == told["LatestIngestionAttemptTime"]
    assert put(data, arn, entry("a", "bad"))["successful"] == []
    later = status()
    assert later["LatestIngestionErrorCode"] == "InvalidData"
    assert UUID.fullmatch(later["LatestIngestionAttemptEventID"]) and later["LatestIngestionAttemptEventID"] != first[1]["eventID"]
    assert later["LatestIngestionSuccessEventID"] == first[1]["eventID"]
    with refused("ChannelInsufficientPermission"):
        put(server.client("cloudtrail-data", **OTHER_ROOT), arn, entry())
    assert status()["LatestIngestionErrorCode"] == "ChannelInsufficientPermission"
    client.delete_channel(Channel=arn)


def test_a_put_is_a_data_event_of_the_caller_and_of_the_owner(make_server):
    server = make_server(config=CONFIG)
    store = make_store(server, "activity")
    arn = make_channel(server, "shop", store)
    server.client("cloudtrail").put_resource_policy(ResourceArn=arn, ResourcePolicy=policy(statement(arn, [OTHER], external_id="ext-1")))
    chosen = [{"FieldSelectors": [{"Field": "eventCategory", "Equals": ["Data"]}, {"Field": "resources.type", "Equals": ["AWS::CloudTrail::Channel"]}]}]
    stores = {}
    for account, settings in [(ACCOUNT, {}), (OTHER, OTHER_ROOT)]:
        stores[account] = make_store(server, "calls", settings=settings, AdvancedEventSelectors=chosen, MultiRegionEnabled=True)
    data, other = server.client("cloudtrail-data"), server.client("cloudtrail-data", **OTHER_ROOT)
    answer = other.put_audit_events(channelArn=arn, externalId="ext-1", auditEvents=[entry("good"), entry("bad", "bad")])
    with pytest.raises(ClientError):
        data.put_audit_events(channelArn=arn, auditEvents=[entry("no-id")])

    def records(account, settings):
        found = ask(server, f"SELECT eventjson FROM {stores[account].rsplit('/')[1]} ORDER BY eventTime", settings)
        return [json.loads(row[0]) for row in found]

    theirs = eventually(lambda: records(OTHER, OTHER_ROOT))
    ours = eventually(lambda: (lambda found: found if len(found) == 2 else None)(records(ACCOUNT, {})))
    (theirs,) = theirs
    copy = next(event for event in ours if "errorCode" not in event)
    failure = next(event for event in ours if "errorCode" in event)
    assert theirs["sharedEventID"] == copy["sharedEventID"] and theirs["eventID"] != copy["eventID"]
    assert (theirs["recipientAccountId"], copy["recipientAccountId"]) == (OTHER, ACCOUNT)
    assert theirs["userIdentity"]["arn"] == f"arn:aws:iam::{OTHER}:root"
    assert copy["userIdentity"] == {"type": "AWSAccount", "principalId": OTHER, "accountId": OTHER}
    for event in (theirs, copy):
        assert event["requestParameters"] == {"channelArn": arn, "externalId": "ext-1", "auditEvents": [{"id": "good"}, {"id": "bad"}]}
        assert event["responseElements"] == {"successful": answer["successful"], "failed": answer["failed"]}
    for event in (theirs, copy, failure):
        expected = {
            "eventSource": "cloudtrail-data.amazonaws.com", "eventName": "PutAuditEvents", "eventCategory": "Data", "managementEvent": False, "readOnly": False,
            "apiVersion": "2021-08-11", "awsRegion": "us-east-1", "resources": [{"accountId": ACCOUNT, "type": "AWS::CloudTrail::Channel", "ARN": arn}],
        }
        assert {key: event[key] for key in expected} == expected
    assert failure["errorCode"] == "ChannelInsufficientPermission" and "sharedEventID" not in failure
    # None of this came into the channel's own store.
    assert ask(server, f"SELECT count(*) FROM {store.rsplit('/')[1]}") == [["1"]]


def test_strict_aws_lets_a_hundred_requests_a_second_pass(make_server):
    server = make_server("--strict-aws", config=CONFIG)
    store = make_store(server, "activity")
    arn = make_channel(server, "shop", store)
    body = json.dumps({"auditEvents": [entry()]}).encode()
    path = f"/PutAuditEvents?channelArn={quote(arn, safe='')}"
    headers = signed(server, path=path, body=body, headers={"Content-Type": "application/json"}, service="cloudtrail-data")

    def burst(_):
        connection, codes = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30), []
        for _ in range(150):
            connection.request("POST", path, body, headers)
            answer = connection.getresponse()
            codes.append((answer.status, answer.headers["x-amzn-errortype"]))
            answer.read()
        return codes

    def throttled():
        with ThreadPoolExecutor(8) as threads:
            codes = [code for codes in threads.map(burst, range(8)) for code in codes]
        assert set(codes) <= {(200, None), (400, "ThrottlingException")}
        return (400, "ThrottlingException") in codes

    eventually(throttled, 60)
