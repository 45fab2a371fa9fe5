"""Exports: an event data store as OCSF, Parquet and records, over HTTP and with `trailkeep export`."""

import io
import json
import re

import pyarrow.parquet
import pytest

from conftest import Server
from integrations import make_store
from test_queries import ask as query
from wire import ACCOUNT, post_events, record, send, signed

OTHER = "210987654321"
OTHER_KEYS = ("AKIAOTHEROTHEROTHER1", "other-secret")
CONFIG = f"""
[[account]]
id = "{OTHER}"
access_key_id = "{OTHER_KEYS[0]}"
secret_access_key = "{OTHER_KEYS[1]}"
"""
COUNT = 30
HOUR = 3_600


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("export"), config=CONFIG).start()
    sent = [
        record(
            f"{verb}Thing", seconds_ago=n * HOUR + 60, errorCode="AccessDenied" if n % 5 == 0 else None, sourceIPAddress=ip, requestParameters={"n": n}, eventSource="things.example.com",
        )
        for n, (verb, ip) in enumerate(zip(["Create", "Get", "Update", "Delete", "Frobnicate"] * 6, ["203.0.113.7", "config.amazonaws.com"] * 15))
    ]
    assert post_events(server, sent).json["accepted"] == COUNT
    server.sent = {event["eventID"]: event for event in sent}
    yield server
    server.kill()


def export(server, *arguments, store="management-events"):
    return server.trailkeep("export", "--event-data-store", store, *arguments)


def lines(text, mine):
    """What is not a record of the server's own calls."""
    return [event for event in map(json.loads, text.splitlines()) if mine(event)]


def mine(event):
    return event.get("eventSource") == "things.example.com"


def mine_in_ocsf(event):
    return event["api"]["service"]["name"] == "things.example.com"


def test_records_come_as_they_were_sent(server):
    done = export(server, "--format", "ndjson")
    assert done.returncode == 0, done.stderr
    found = {event["eventID"]: event for event in lines(done.stdout, mine)}
    assert set(found) == set(server.sent)
    for id, event in found.items():
        assert {name: value for name, value in event.items() if name in server.sent[id]} == server.sent[id]


def test_a_range_has_both_ends(server):
    times = sorted(event["eventTime"] for event in server.sent.values())
    done = export(server, "--format", "ndjson", "--since", times[5], "--until", times[9])
    assert sorted(event["eventTime"] for event in lines(done.stdout, mine)) == times[5:10]
    assert export(server, "--format", "ndjson", "--since", "2001-01-01", "--until", "2001-02-01").stdout == ""


def test_ocsf_is_api_activity(server):
    done = export(server, "--format", "ocsf")
    assert done.returncode == 0, done.stderr
    found = {event["metadata"]["uid"]: event for event in lines(done.stdout, mine_in_ocsf)}
    assert set(found) == set(server.sent)
    activities = {"CreateThing": 1, "GetThing": 2, "UpdateThing": 3, "DeleteThing": 4, "FrobnicateThing": 99}
    for id, sent in server.sent.items():
        event = found[id]
        assert event["class_uid"] == 6003 and event["category_uid"] == 6 and event["metadata"]["version"] == "1.1.0"
        assert event["activity_id"] == activities[sent["eventName"]] and event["type_uid"] == 600300 + event["activity_id"]
        assert event["status"] == ("Failure" if sent.get("errorCode") else "Success")
        assert event["api"]["response"].get("error") == sent["errorCode"] if sent.get("errorCode") else "response" not in event["api"]
        assert event["api"]["request"]["data"] == sent["requestParameters"]
        assert event["time_dt"] == sent["eventTime"].replace("Z", ".000Z")
        key = "ip" if sent["sourceIPAddress"][0].isdigit() else "domain"
        assert event["src_endpoint"] == {key: sent["sourceIPAddress"]}
        assert event["unmapped"]["recipientAccountId"] == ACCOUNT


def test_sql_knows_the_same_events_in_ocsf(server):
    asked = query(
        server,
        """SELECT api.operation, activity_id, status, src_endpoint.domain, actor."user".name FROM ocsf_event_data_store
           WHERE api.service.name = 'things.example.com' AND src_endpoint.domain IS NOT NULL ORDER BY time_dt LIMIT 1""",
    )
    oldest = min((event for event in server.sent.values() if event["sourceIPAddress"] == "config.amazonaws.com"), key=lambda event: event["eventTime"])
    [event] = lines(export(server, "--format", "ocsf", "--since", oldest["eventTime"], "--until", oldest["eventTime"]).stdout, mine_in_ocsf)
    assert asked == [[oldest["eventName"], str(event["activity_id"]), event["status"], "config.amazonaws.com", event["actor"]["user"]["name"]]]


def test_parquet_has_the_columns_of_sql(server, tmp_path):
    done = export(server, "--format", "parquet", "--output-file", str(tmp_path / "events.parquet"))
    assert done.returncode == 0 and done.stdout == "" and "events.parquet" in done.stderr, done
    table = pyarrow.parquet.read_table(tmp_path / "events.parquet")
    rows = [row for row in table.to_pylist() if row["eventsource"] == "things.example.com"]
    assert {row["eventid"] for row in rows} == set(server.sent)
    assert "useridentity" in table.column_names and not [name for name in table.column_names if name.startswith("_") or "." in name]
    assert not list(tmp_path.glob("*.part"))


def test_a_store_has_a_name_an_id_and_an_arn(server):
    arn = server.client("cloudtrail").list_event_data_stores()["EventDataStores"][0]["EventDataStoreArn"]
    for name in ["management-events", arn, arn.rsplit("/", 1)[1]]:
        assert len(lines(export(server, "--format", "ndjson", store=name).stdout, mine)) == COUNT


def test_what_cannot_be_exported_is_refused(server):
    unknown = export(server, "--format", "ndjson", store="nothing")
    assert unknown.returncode == 1 and "EventDataStoreNotFoundException" in unknown.stderr and not unknown.stdout
    assert export(server, "--format", "csv").returncode == 3
    assert export(server, "--format", "ndjson", "--since", "today", "--until", "yesterday").returncode == 3
    assert server.trailkeep("export", "--format", "ndjson").returncode == 3
    make_store(server, "activity")
    other = export(server, "--format", "ocsf", store="activity")
    assert other.returncode == 1 and "API activity" in other.stderr, other
    assert export(server, "--format", "ndjson", store="activity").stdout == ""


def ask(server, document, **how):
    body = json.dumps(document).encode()
    headers = signed(server, path="/v1/export", body=body, headers={"Content-Type": "application/json"}, **how)
    return send(server, path="/v1/export", body=body, headers=headers)


def test_http_answers_with_the_bytes(server):
    answer = ask(server, {"eventDataStore": "management-events", "format": "parquet"})
    assert answer.status == 200 and answer.headers["Content-Type"] == "application/vnd.apache.parquet"
    assert pyarrow.parquet.read_table(io.BytesIO(answer.body)).num_rows >= COUNT
    assert ask(server, {"eventDataStore": "management-events", "format": "csv"}).status == 400
    assert ask(server, {"eventDataStore": "management-events"}).status == 400
    assert ask(server, {"eventDataStore": "management-events", "format": "ndjson"}, keys=OTHER_KEYS).code == "EventDataStoreNotFoundException"
    assert send(server, path="/v1/export", body=b"{}").status in (400, 403)
    assert send(server, "GET", path="/v1/export").status == 405


def test_an_export_is_an_event(server):
    export(server, "--format", "ocsf", "--since", "1h")
    lookup = [{"AttributeKey": "EventName", "AttributeValue": "GetEventDataStoreData"}]
    found = server.client("cloudtrail").lookup_events(LookupAttributes=lookup)["Events"]
    events = [json.loads(event["CloudTrailEvent"]) for event in found]
    assert any(event["requestParameters"].get("format") == "ocsf" and "startTime" in event["requestParameters"] for event in events)
    assert all(re.fullmatch(r"arn:aws:cloudtrail:.*:eventdatastore/.*", event["resources"][0]["ARN"]) for event in events)
