"""LookupEvents: what it finds, in which order, page by page, and what it refuses."""

import gzip
import io
import json
import random
import tarfile
import threading
import uuid

import pytest

from conftest import Server, eventually
from wire import ACCOUNT, call, found, kept, post_events, record, refused, send, signed

SAMPLE = 60
SEED = 20261121


# --- real events ---


@pytest.fixture(scope="module")
def real(tmp_path_factory, corpus):
    """A server with the corpus in its history, and the management events that were sent: record by Region."""
    server = Server(tmp_path_factory.mktemp("real")).start()
    archive, sent = io.BytesIO(), {}
    with tarfile.open(fileobj=archive, mode="w") as writer:
        for path in sorted(corpus.glob("logfiles/**/*.json.gz")):
            writer.add(path, path.name)
            for text in records_in(gzip.decompress(path.read_bytes()).decode()):
                sent[json.loads(text)["eventID"]] = text
    path = "/v1/import"
    answer = send(server, path=path, body=archive.getvalue(), headers=signed(server, path=path, body=archive.getvalue()), seconds=120)
    lines = [json.loads(line) for line in answer.body.splitlines()]
    assert answer.status == 200 and not any(line.get("rejected") or "error" in line for line in lines), answer
    for path in sorted(corpus.glob("events/*.ndjson.gz")):
        if path.name != "invictus.ndjson.gz":  # Those are the log files above, written otherwise.
            told = post_events(server, path.read_bytes(), coding="gzip", query="?route=history")
            assert told.status == 200, told
    last = record()
    kept(post_events(server, [last]), 1)
    eventually(lambda: found(server, "EventId", last["eventID"]))
    yield server, {event_id: text for event_id, text in sent.items() if is_management(json.loads(text))}
    server.kill()


def records_in(text):
    """The records of a log file as the texts they are there."""
    decoder, position = json.JSONDecoder(), text.index("[") + 1
    while text[position] == "{":
        _, end = decoder.raw_decode(text, position)
        yield text[position:end]
        position = end + 1


def is_management(event):
    return event.get("eventCategory", "Management") == "Management" and event.get("managementEvent", True)


def username(identity):
    """The documented rule, written down once more."""
    principal, kind = identity.get("principalId", ""), identity.get("type")
    if kind == "Root":
        return "root"
    if kind == "AssumedRole":
        return principal.split(":", 1)[1] if ":" in principal else None
    return identity.get("userName") if kind in ("IAMUser", "SAMLUser", "WebIdentityUser") else None


def attributes(event):
    identity = event.get("userIdentity", {})
    known = {
        "EventId": event["eventID"], "EventName": event["eventName"], "EventSource": event["eventSource"],
        "Username": username(identity), "AccessKeyId": identity.get("accessKeyId"),
        "ReadOnly": str(event["readOnly"]).lower() if "readOnly" in event else None,
    }
    return {key: value for key, value in known.items() if value}


def test_every_attribute_of_a_real_event_finds_it(real):
    server, sent = real
    chance = random.Random(SEED)
    print(f"seed {SEED}")
    for event_id in chance.sample(sorted(sent), SAMPLE):
        event = json.loads(sent[event_id])
        client = server.client("cloudtrail", event["awsRegion"])
        seen = client.lookup_events(LookupAttributes=[{"AttributeKey": "EventId", "AttributeValue": event_id}])["Events"]
        assert [one["EventId"] for one in seen] == [event_id]
        asked = attributes(event)
        told = {key: seen[0].get(key) for key in ["EventId", "EventName", "EventSource", "Username", "AccessKeyId", "ReadOnly"]}
        assert {key: value for key, value in told.items() if value} == asked
        asked = [*asked.items()]
        for resource in seen[0]["Resources"][:5]:
            asked += [(key, resource[key]) for key in ["ResourceName", "ResourceType"] if key in resource]
        # Within the event's second, so that a common value does not need many pages.
        second = {"StartTime": seen[0]["EventTime"], "EndTime": seen[0]["EventTime"]}
        for key, value in asked:
            pages = client.get_paginator("lookup_events").paginate(LookupAttributes=[{"AttributeKey": key, "AttributeValue": value}], **second)
            assert event_id in [one["EventId"] for page in pages for one in page["Events"]], (key, value)


def test_real_records_come_back_byte_for_byte(real):
    server, sent = real
    chance = random.Random(SEED)
    for event_id in chance.sample(sorted(sent), 40):
        region = json.loads(sent[event_id])["awsRegion"]
        assert found(server, "EventId", event_id, region)[0]["CloudTrailEvent"] == sent[event_id]


def test_a_region_shows_its_events_once_newest_first(real):
    server, sent = real
    for region in ["eu-west-2", "us-east-1"]:
        here = {event_id for event_id, text in sent.items() if json.loads(text)["awsRegion"] == region}
        events = found(server, region=region)
        times, texts = [event["EventTime"] for event in events], [event["CloudTrailEvent"] for event in events]
        assert times == sorted(times, reverse=True) and here <= {event["EventId"] for event in events}
        # Hand-made records of the corpus share eventIDs; none is the same twice.
        assert len(set(texts)) == len(texts)
        assert {json.loads(event["CloudTrailEvent"])["awsRegion"] for event in events} == {region}


def test_the_cli_finds_a_real_event(real):
    server, sent = real
    event = json.loads(next(iter(sent.values())))
    asked = f"AttributeKey=EventId,AttributeValue={event['eventID']}"
    told = server.aws("cloudtrail", "lookup-events", "--lookup-attributes", asked, region=event["awsRegion"])
    assert [json.loads(one["CloudTrailEvent"]) for one in told["Events"]] == [event]


# --- our own ---


@pytest.fixture
def looked(server):
    return server.client("cloudtrail")


def sent_and_seen(server, records):
    kept(post_events(server, records), len(records))
    eventually(lambda: found(server, "EventId", records[-1]["eventID"], records[-1]["awsRegion"]))


def ids(answer):
    return [event["EventId"] for event in answer["Events"]]


def by(key, value):
    return {"LookupAttributes": [{"AttributeKey": key, "AttributeValue": value}]}


def test_an_event_is_told_with_what_is_known_of_it_and_nothing_else(server, looked):
    full = record(
        "AttachRolePolicy", eventSource="iam.amazonaws.com", requestParameters={"roleName": "deployer", "policyArn": "arn:aws:iam::aws:policy/ReadOnlyAccess"},
        userIdentity={"type": "AssumedRole", "principalId": "AROAEXAMPLE:dana", "accessKeyId": "ASIAEXAMPLE", "arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/admin/dana"},
    )
    bare = record("Bare", readOnly=None, userIdentity={"type": "AWSService", "invokedBy": "x.amazonaws.com"})
    sent_and_seen(server, [full, bare])
    told = looked.lookup_events(**by("EventId", full["eventID"]))["Events"][0]
    assert isinstance(told.pop("EventTime").timestamp(), float) and json.loads(told.pop("CloudTrailEvent")) == full
    assert told == {
        "EventId": full["eventID"], "EventName": "AttachRolePolicy", "EventSource": "iam.amazonaws.com", "ReadOnly": "false", "AccessKeyId": "ASIAEXAMPLE",
        "Username": "dana",
        "Resources": [
            {"ResourceType": "AWS::IAM::Role", "ResourceName": "deployer"},
            {"ResourceType": "AWS::IAM::Policy", "ResourceName": "arn:aws:iam::aws:policy/ReadOnlyAccess"},
        ],
    }
    told = looked.lookup_events(**by("EventId", bare["eventID"]))["Events"][0]
    assert set(told) == {"EventId", "EventName", "EventTime", "EventSource", "Resources", "CloudTrailEvent"} and told["Resources"] == []


def test_values_are_compared_exactly(server, looked):
    name = f"Exact {uuid.uuid4()}"
    sent_and_seen(server, [record(name)])
    assert len(looked.lookup_events(**by("EventName", name))["Events"]) == 1
    for other in [name.lower(), name[:-1], name + " ", "Exact*", "%"]:
        assert looked.lookup_events(**by("EventName", other))["Events"] == []
    assert looked.lookup_events(**by("EventName", "ü" * 100))["Events"] == []


def test_time_ranges_have_both_their_ends(server, looked):
    name = f"Timed {uuid.uuid4()}"
    events = [record(name, seconds_ago=seconds) for seconds in [300, 200, 100]]
    sent_and_seen(server, events)
    oldest, middle, newest = (event["eventTime"] for event in events)
    between = lambda **times: [events.index(json.loads(event["CloudTrailEvent"])) for event in looked.lookup_events(**by("EventName", name), **times)["Events"]]
    assert between() == [2, 1, 0], "newest first"
    assert between(StartTime=middle) == [2, 1] and between(EndTime=middle) == [1, 0]
    assert between(StartTime=oldest, EndTime=newest) == [2, 1, 0] and between(StartTime=middle, EndTime=middle) == [1]
    assert between(StartTime=0, EndTime=1) == [] and between(StartTime=9_999_999_999) == []
    with refused("InvalidTimeRangeException"):
        between(StartTime=newest, EndTime=oldest)


def test_only_management_events_are_shown(server):
    data = record(eventCategory="Data", managementEvent=False)
    network = record(eventCategory="NetworkActivity", eventType="AwsVpceEvent")
    others = [record(eventCategory=category) for category in ("ConfigurationItem", "Evidence")]
    # No trail wants them, so nothing keeps them; history least of all.
    kept(post_events(server, [data, network, *others]), 0, expired=4)
    last = record()
    sent_and_seen(server, [last])
    assert all(found(server, "EventId", event["eventID"]) == [] for event in (data, network, *others))


def test_a_region_sees_its_own_events_and_global_ones_are_in_us_east_1(server):
    away, here = record(awsRegion="eu-west-1"), record()
    sent_and_seen(server, [here])
    sent_and_seen(server, [away])
    assert found(server, "EventId", away["eventID"]) == [] and found(server, "EventId", here["eventID"], "eu-west-1") == []
    assert len(found(server, "EventId", away["eventID"], "eu-west-1")) == 1


# --- pages ---


def test_pages_have_no_gap_and_no_repeat_while_events_arrive(server, looked):
    name = f"Paged {uuid.uuid4()}"
    before = [record(name, seconds_ago=seconds // 3) for seconds in range(200)]
    sent_and_seen(server, before)
    stop, posted = threading.Event(), []

    def arrive():
        while not stop.is_set():
            # Some newer, some among those on pages to come, some older.
            events = [record(name, seconds_ago=seconds) for seconds in [0, 20, 40, 90]]
            kept(post_events(server, events), 4)
            posted.extend(events)

    first = looked.lookup_events(**by("EventName", name), MaxResults=7)
    thread = threading.Thread(target=arrive)
    thread.start()
    seen, token = ids(first), first["NextToken"]
    try:
        while token:
            page = looked.lookup_events(**by("EventName", name), MaxResults=7, NextToken=token)
            assert len(page["Events"]) <= 7
            seen, token = seen + ids(page), page.get("NextToken")
    finally:
        stop.set()
        thread.join()
    assert sorted(seen) == sorted(event["eventID"] for event in before)
    assert posted, "nothing arrived meanwhile"


def test_a_page_has_fifty_events_unless_fewer_are_asked_for(server, looked):
    name = f"Fifty {uuid.uuid4()}"
    sent_and_seen(server, [record(name, seconds_ago=1) for _ in range(51)])
    assert len(looked.lookup_events(**by("EventName", name))["Events"]) == 50
    assert len(looked.lookup_events(**by("EventName", name), MaxResults=1)["Events"]) == 1
    full = looked.lookup_events(**by("EventName", name), MaxResults=50)
    rest = looked.lookup_events(**by("EventName", name), MaxResults=50, NextToken=full["NextToken"])
    assert len(rest["Events"]) == 1 and "NextToken" not in rest


@pytest.fixture(scope="module")
def paged(server):
    """A lookup, and its token."""
    name = f"Token {uuid.uuid4()}"
    sent_and_seen(server, [record(name) for _ in range(5)])
    asked = {**by("EventName", name), "StartTime": 1, "EndTime": 4_000_000_000, "MaxResults": 2}
    return asked, server.client("cloudtrail").lookup_events(**asked)["NextToken"]


@pytest.mark.parametrize("change", [
    {"MaxResults": 3}, {"StartTime": 2}, {"EndTime": 4_000_000_001}, by("EventName", "Other"), by("EventSource", "test.example.com"), {"LookupAttributes": []},
    {"EventCategory": "insight"}, {"NextToken": "x"}, {"NextToken": ""}, {"NextToken": "e30.e30"}, {"NextToken": "x" * 10_000},
])
def test_a_token_belongs_to_its_lookup(server, looked, paged, change):
    asked, token = paged
    if change == {"LookupAttributes": []}:
        change = {"LookupAttributes": [{"AttributeKey": "EventId", "AttributeValue": "x"}]}
    with refused("InvalidNextTokenException"):
        looked.lookup_events(**{**asked, "NextToken": token, **change})


def test_a_token_that_was_changed_or_is_of_another_region_is_refused(server, looked, paged):
    asked, token = paged
    for at in range(0, len(token), 7):
        other = "A" if token[at] != "A" else "B"
        with refused("InvalidNextTokenException"):
            looked.lookup_events(**asked, NextToken=token[:at] + other + token[at + 1 :])
    with refused("InvalidNextTokenException"):
        server.client("cloudtrail", "eu-west-1").lookup_events(**asked, NextToken=token)


def test_a_token_goes_on_after_a_kill(server, looked, paged):
    asked, token = paged
    before = ids(looked.lookup_events(**asked, NextToken=token))
    server.kill()
    server.start()
    eventually(lambda: send(server, "GET", "/healthz/ready").status == 200)
    assert ids(looked.lookup_events(**asked, NextToken=token)) == before


# --- what is refused ---

INVALID = {
    "two attributes": ({"LookupAttributes": [{"AttributeKey": "EventName", "AttributeValue": "a"}] * 2}, "InvalidLookupAttributesException"),
    "an unknown attribute": (by("EventVersion", "1"), "InvalidLookupAttributesException"),
    "an attribute in other letters": (by("eventName", "a"), "InvalidLookupAttributesException"),
    "an empty value": (by("EventName", ""), "InvalidLookupAttributesException"),
    "a value of 2001 characters": (by("EventName", "a" * 2001), "InvalidLookupAttributesException"),
    "characters that count twice": (by("EventName", "_" * 1001), "InvalidLookupAttributesException"),
    "ReadOnly maybe": (by("ReadOnly", "maybe"), "InvalidLookupAttributesException"),
    "ReadOnly in capitals": (by("ReadOnly", "True"), "InvalidLookupAttributesException"),
    "an attribute without a value": ({"LookupAttributes": [{"AttributeKey": "EventName"}]}, "InvalidLookupAttributesException"),
    "insights by user": ({"EventCategory": "insight", **by("Username", "a")}, "InvalidLookupAttributesException"),
    "an unknown category": ({"EventCategory": "Management"}, "InvalidEventCategoryException"),
    "no results": ({"MaxResults": 0}, "InvalidMaxResultsException"),
    "51 results": ({"MaxResults": 51}, "InvalidMaxResultsException"),
    "results that are a text": ({"MaxResults": "10"}, "SerializationException"),
    "a time that is a text": ({"StartTime": "yesterday"}, "SerializationException"),
    "start after end": ({"StartTime": 2, "EndTime": 1}, "InvalidTimeRangeException"),
}


@pytest.mark.parametrize("case", INVALID)
def test_a_lookup_that_cannot_be_is_refused(server, case):
    asked, code = INVALID[case]
    answer = call(server, "LookupEvents", asked)
    assert (answer.status, answer.code) == (400, code) and answer.json["message"], answer


@pytest.mark.parametrize("value", ["a" * 2000, "_" * 1000, "\x00", "'; DROP TABLE events; --", "\U0001f600", "{}", "\\u0041"])
def test_any_value_within_the_limits_may_be_asked_for(server, value):
    for key in ["EventId", "EventName", "EventSource", "Username", "ResourceType", "ResourceName", "AccessKeyId"]:
        assert call(server, "LookupEvents", by(key, value)).json == {"Events": []}


@pytest.mark.parametrize("time", [-1, 0.5, 1e10, 1e12, -1e15, 1e300, 9223372036854775807])
def test_times_far_off_are_no_fault_of_ours(server, time):
    for member in ["StartTime", "EndTime"]:
        assert call(server, "LookupEvents", {member: time, "MaxResults": 1}).status in (200, 400)


# --- strict_aws ---


def test_strict_aws_throttles_and_forgets_after_ninety_days(make_server):
    server = make_server(config="strict_aws = true\n")
    old, new = record("Strict", seconds_ago=100 * 86_400), record("Strict")
    kept(post_events(server, [old, new], query="?route=history"), 2)
    look = lambda region="us-east-1": call(server, "LookupEvents", by("EventName", "Strict"), region=region)
    answer = eventually(lambda: (a := look()).status == 200 and a.json["Events"] and a)
    assert [event["EventId"] for event in answer.json["Events"]] == [new["eventID"]]
    codes = [look().code for _ in range(8)]
    assert "ThrottlingException" in codes, codes
    assert look("eu-west-1").status == 200, "each Region has a rate of its own"
    assert all(call(server, "ListTrails").status == 200 for _ in range(5)), "other operations are not throttled"


def test_without_strict_aws_nothing_is_throttled_and_old_imports_are_found(server, looked):
    old = record("Ancient", seconds_ago=1000 * 86_400)
    kept(post_events(server, [old], query="?route=history"), 1)
    eventually(lambda: ids(looked.lookup_events(**by("EventName", "Ancient"))) == [old["eventID"]])
    assert all(call(server, "LookupEvents").status == 200 for _ in range(10))


# --- restarts ---


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_nothing_is_lost_or_doubled_by_an_end_of_the_program(make_server, end):
    server = make_server()
    records = [record("Kept", seconds_ago=n % 60, awsRegion="sa-east-1") for n in range(400)]
    for n in range(0, 400, 100):
        kept(post_events(server, records[n : n + 100]), 100)
        if n == 200:
            # Some are in a segment by then, some only in the journal.
            assert server.stop() == 0
            server.start()
    getattr(server, end)()
    server.start()
    eventually(lambda: len(found(server, "EventName", "Kept", "sa-east-1")) >= 400)
    seen = {event["EventId"]: json.loads(event["CloudTrailEvent"]) for event in found(server, "EventName", "Kept", "sa-east-1")}
    assert seen == {one["eventID"]: one for one in records}
