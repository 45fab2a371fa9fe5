"""Federation: event data stores as Apache Iceberg tables, read by PyIceberg, boto3 and DuckDB as they are."""

import collections
import json
from pathlib import Path

import duckdb
import pyarrow
import pyarrow.compute as pc
import pytest
from botocore.exceptions import ClientError
from pyiceberg.catalog import load_catalog
from pyiceberg.exceptions import ForbiddenError, NoSuchNamespaceError, NoSuchTableError, RESTError, UnauthorizedError
from pyiceberg.expressions import And, EqualTo, GreaterThanOrEqual, LessThan
from pyiceberg.types import StringType

from conftest import Server, eventually
from integrations import make_store
from test_queries import ask
from wire import ACCOUNT, make_token, post_events, record, refused, root_keys, send, signed

ROLE = f"arn:aws:iam::{ACCOUNT}:role/federation"
NAMESPACES = [("aws:cloudtrail",), ("aws_cloudtrail",)]
OTHER = "210987654321"
OTHER_KEYS = ("AKIAOTHEROTHEROTHER1", "other-secret")
CONFIG = f"""
[[account]]
id = "{OTHER}"
access_key_id = "{OTHER_KEYS[0]}"
secret_access_key = "{OTHER_KEYS[1]}"
"""
COUNT = 40
DAY = 86_400


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("iceberg"), "--lake-flush-interval", "1s", config=CONFIG).start()
    yield server
    server.kill()


@pytest.fixture(scope="module")
def token(server):
    return make_token(server, "--read")


def catalog(server, token=None, **settings):
    """PyIceberg pointed at the server, and told nothing else."""
    credentials = {"token": token} if token else {}
    return load_catalog("trailkeep", type="rest", uri=f"{server.url}/iceberg", **credentials, **settings)


def uuid(arn):
    return arn.rsplit("/", 1)[1]


def status(server, arn, client=None):
    return (client or server.client("cloudtrail")).get_event_data_store(EventDataStore=arn).get("FederationStatus", "DISABLED")


def federate(server, arn, client=None, role=ROLE):
    client = client or server.client("cloudtrail")
    told = client.enable_federation(EventDataStore=arn, FederationRoleArn=role)
    assert told["FederationStatus"] == "ENABLING" and told["EventDataStoreArn"] == arn and told["FederationRoleArn"] == role
    eventually(lambda: status(server, arn, client) == "ENABLED")


def events(count=COUNT, **members):
    """Events of three days; every tenth failed."""
    return [
        record(
            f"Number{n % 3}", seconds_ago=60 + (n % 3) * DAY + n, errorCode="AccessDenied" if n % 10 == 0 else None,
            requestParameters={"bucketName": "exports", "n": n}, resources=[{"ARN": f"arn:aws:s3:::exports/{n}", "type": "AWS::S3::Object"}], **members,
        )
        for n in range(count)
    ]


def rows(table, ids, **scan):
    """The rows of `ids` as the table is now; the server's own calls are events, too."""
    found = table.refresh().scan(**scan).to_arrow()
    return found.filter(pc.is_in(found["eventid"].cast("string"), value_set=pyarrow.array(sorted(ids))))


@pytest.fixture(scope="module")
def store(server):
    """A federated store with COUNT events of three days."""
    arn = make_store(server, "federated", category="Management", MultiRegionEnabled=True)
    federate(server, arn)
    sent = events()
    answer = post_events(server, sent)
    assert answer.json["accepted"] == COUNT, answer
    server.sent = {event["eventID"]: event for event in sent}
    return arn


@pytest.fixture(scope="module")
def table(server, token, store):
    """The store as a table, once all events are in it."""
    table = catalog(server, token).load_table(("aws:cloudtrail", uuid(store)))
    eventually(lambda: rows(table, server.sent).num_rows == COUNT, 90)
    return table


def test_a_table_has_every_event_with_its_values(server, table):
    found = {row["eventid"]: row for row in rows(table, server.sent).to_pylist()}
    assert set(found) == set(server.sent)
    for id, event in server.sent.items():
        row = found[id]
        assert row["eventtime"].strftime("%Y-%m-%dT%H:%M:%SZ") == event["eventTime"]
        assert (row["eventname"], row["eventsource"], row["awsregion"]) == (event["eventName"], event["eventSource"], event["awsRegion"])
        assert row["errorcode"] == event.get("errorCode")
        assert json.loads(row["requestparameters"]) == event["requestParameters"]
        assert row["resources"][0]["arn"] == event["resources"][0]["ARN"] and row["resources"][0]["type"] == "AWS::S3::Object"
        assert row["useridentity"]["arn"] == event.get("userIdentity", {}).get("arn")
        assert json.loads(row["eventjson"])["eventID"] == id


def test_a_table_has_the_documented_columns_and_no_others(table):
    names = [field.name for field in table.schema().fields]
    assert names[:3] == ["eventversion", "useridentity", "eventtime"]
    assert {"requestparameters", "resources", "readonly", "eventcategory", "eventjson"} < set(names)
    assert all(name == name.lower() and not name.startswith("_") and "." not in name for name in names)
    assert [field.name for field in table.spec().fields] == ["calendarday"]
    assert str(table.spec().fields[0].transform) == "day"


def test_time_and_bounds_spare_files(server, table):
    days = sorted({event["eventTime"][:10] for event in server.sent.values()})
    whole = {task.file.file_path for task in table.scan().plan_files()}
    day = And(GreaterThanOrEqual("eventtime", f"{days[0]}T00:00:00"), LessThan("eventtime", f"{days[0]}T23:59:59.999999"))
    some = {task.file.file_path for task in table.scan(row_filter=day).plan_files()}
    assert some and some < whole and all(f"/{days[0]}/" in path for path in some)
    assert not list(table.scan(row_filter=EqualTo("eventname", "Zebra")).plan_files())
    expected = {id for id, event in server.sent.items() if event["eventTime"][:10] == days[0]}
    assert set(rows(table, server.sent, row_filter=day).column("eventid").to_pylist()) == expected


def test_the_table_says_what_queries_say(server, store, table):
    def counts():
        table.refresh()
        found = table.scan(row_filter=EqualTo("eventsource", next(iter(server.sent.values()))["eventSource"])).to_arrow()
        names = collections.Counter(name for name in found["eventname"].to_pylist() if name.startswith("Number"))
        return sorted((name, str(count)) for name, count in names.items())

    asked = ask(server, f"SELECT eventName, COUNT(*) FROM {uuid(store)} WHERE eventName LIKE 'Number%' GROUP BY eventName ORDER BY eventName")
    assert counts() == [tuple(row) for row in asked]


def test_duckdb_reads_the_same_files(server, store, table, tmp_path):
    s3 = server.client("s3")
    for task in table.scan().plan_files():
        bucket, key = task.file.file_path.removeprefix("s3://").split("/", 1)
        assert bucket == "trailkeep-lake" and key.startswith(f"{ACCOUNT}/{uuid(store)}/")
        body = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        assert len(body) == task.file.file_size_in_bytes
        (tmp_path / key.replace("/", "_")).write_bytes(body)
    ids = ", ".join(f"'{id}'" for id in server.sent)
    query = f"SELECT count(*), count(errorcode), min(eventtime) FROM read_parquet('{tmp_path}/*.parquet') WHERE eventid IN ({ids})"
    count, failed, oldest = duckdb.sql(query).fetchall()[0]
    times = [event["eventTime"] for event in server.sent.values()]
    assert (count, failed) == (COUNT, sum("errorCode" in event and event["errorCode"] is not None for event in server.sent.values()))
    assert oldest.strftime("%Y-%m-%dT%H:%M:%SZ") == min(times)


def test_later_events_come_with_a_snapshot_of_their_own(server, table):
    table.refresh()
    before = table.current_snapshot()
    later = events(3, sharedEventID="later")
    assert post_events(server, later).json["accepted"] == 3
    ids = {event["eventID"] for event in later}
    eventually(lambda: rows(table, ids).num_rows == 3, 60)
    assert table.current_snapshot().sequence_number > before.sequence_number
    old = table.scan(snapshot_id=before.snapshot_id).to_arrow()
    assert not ids & set(old["eventid"].to_pylist()), "a snapshot never changes"
    assert set(server.sent) <= set(old["eventid"].to_pylist())


def test_both_names_of_the_namespace_show_the_federated_stores(server, token, store, table):
    known = catalog(server, token)
    assert known.list_namespaces() == NAMESPACES
    assert known.list_namespaces("aws:cloudtrail") == []
    for namespace in NAMESPACES:
        assert known.list_tables(namespace) == [(*namespace, uuid(store))]
        assert known.table_exists((*namespace, uuid(store))) and known.namespace_exists(namespace)
        assert known.load_table((*namespace, uuid(store))).metadata.table_uuid == table.metadata.table_uuid
        assert known.list_views(namespace) == []
    assert not known.table_exists(("aws:cloudtrail", "0" * 36)) and not known.namespace_exists("nothing")
    with pytest.raises(NoSuchTableError):
        known.load_table(("aws:cloudtrail", "00000000-0000-0000-0000-000000000000"))
    with pytest.raises(NoSuchNamespaceError):
        known.list_tables("nothing")


def test_the_catalog_cannot_be_changed(server, token, store, table):
    known = catalog(server, token)
    name = ("aws:cloudtrail", uuid(store))
    for change in [
        lambda: known.create_namespace("mine"),
        lambda: known.drop_namespace("aws:cloudtrail"),
        lambda: known.drop_table(name),
        lambda: known.rename_table(name, ("aws:cloudtrail", "other")),
        lambda: known.create_table(("aws:cloudtrail", "mine"), table.schema()),
        lambda: known.load_table(name).update_schema().add_column("mine", StringType()).commit(),
    ]:
        with pytest.raises((RESTError, NotImplementedError, PermissionError, OSError)):
            change()
    assert known.list_tables("aws:cloudtrail") == [name]
    answer = send(server, "DELETE", f"/iceberg/v1/namespaces/aws%3Acloudtrail/tables/{uuid(store)}", headers={"Authorization": f"Bearer {token}"})
    assert answer.status == 406 and answer.json["error"]["type"] == "UnsupportedOperationException", answer


def get(server, path, headers):
    return send(server, "GET", f"/iceberg{path}", headers=headers)


def test_a_signature_or_a_read_token_lets_in_and_nothing_else(server, token, store, table):
    path = f"/v1/namespaces/aws%3Acloudtrail/tables/{uuid(store)}"
    for service in ["cloudtrail", "execute-api"]:
        assert get(server, path, signed(server, "GET", f"/iceberg{path}", service=service)).status == 200
    assert get(server, path, {}).status == 401
    assert get(server, path, {"Authorization": "Bearer tk_nothing"}).status == 401
    assert get(server, path, signed(server, "GET", f"/iceberg{path}", service="s3")).status == 401
    ingest = get(server, path, {"Authorization": f"Bearer {make_token(server, '--ingest')}"})
    assert ingest.status == 403 and ingest.json["error"] == {"message": ingest.json["error"]["message"], "type": "ForbiddenException", "code": 403}
    with pytest.raises(UnauthorizedError):
        catalog(server, "tk_nothing").list_namespaces()
    with pytest.raises(ForbiddenError):
        catalog(server, make_token(server, "--metrics")).list_namespaces()
    exchange = send(server, "POST", "/iceberg/v1/oauth/tokens", b"grant_type=client_credentials")
    assert exchange.status == 400 and "token create --read" in exchange.json["error"]["message"]


def test_pyiceberg_signs_as_it_does_for_aws(server, store, table):
    key, secret = root_keys(server)
    signing = {"rest.sigv4-enabled": "true", "rest.signing-region": "us-east-1", "client.access-key-id": key, "client.secret-access-key": secret}
    mine = catalog(server, **signing).load_table(("aws_cloudtrail", uuid(store)))
    assert rows(mine, server.sent).num_rows == COUNT


def test_keys_that_come_with_a_table_open_its_files_and_nothing_else(server, token, store, table):
    answer = get(server, f"/v1/namespaces/aws_cloudtrail/tables/{uuid(store)}", {"Authorization": f"Bearer {token}"})
    config = answer.json["config"]
    assert config["s3.endpoint"] == server.url and config["s3.path-style-access"] == "true"
    location = answer.json["metadata-location"]
    keys = dict(aws_access_key_id=config["s3.access-key-id"], aws_secret_access_key=config["s3.secret-access-key"])
    s3 = server.client("s3", **keys, aws_session_token=config["s3.session-token"])
    key = location.removeprefix("s3://trailkeep-lake/")
    assert json.loads(s3.get_object(Bucket="trailkeep-lake", Key=key)["Body"].read()) == answer.json["metadata"]
    server.client("s3").create_bucket(Bucket="private-bucket")
    for forbidden in [
        lambda: s3.list_buckets(),
        lambda: s3.list_objects_v2(Bucket="private-bucket"),
        lambda: s3.create_bucket(Bucket="mine"),
        lambda: s3.put_object(Bucket="trailkeep-lake", Key=f"{ACCOUNT}/{uuid(store)}/metadata/x.json", Body=b"x"),
        lambda: s3.delete_object(Bucket="trailkeep-lake", Key=key),
    ]:
        with refused("AccessDenied"):
            forbidden()
    for wrong in [{}, {"aws_session_token": "wrong"}]:
        with refused("InvalidToken"):
            server.client("s3", **keys, **wrong).list_objects_v2(Bucket="trailkeep-lake")
    with pytest.raises(ClientError):
        server.client("cloudtrail", **keys, aws_session_token=config["s3.session-token"]).list_trails()
    again = get(server, f"/v1/namespaces/aws_cloudtrail/tables/{uuid(store)}/credentials", {"Authorization": f"Bearer {token}"}).json
    assert again["storage-credentials"][0]["prefix"] == f"s3://trailkeep-lake/{ACCOUNT}/{uuid(store)}"


def test_the_system_bucket_is_read_as_any_other(server, store, table, tmp_path):
    s3 = server.client("s3")
    listed = s3.list_objects_v2(Bucket="trailkeep-lake", Prefix=f"{ACCOUNT}/{uuid(store)}/data/")["Contents"]
    key, size = listed[0]["Key"], listed[0]["Size"]
    whole = s3.get_object(Bucket="trailkeep-lake", Key=key)
    body = whole["Body"].read()
    assert len(body) == size and body[:4] == b"PAR1" and whole["ETag"] == s3.head_object(Bucket="trailkeep-lake", Key=key)["ETag"]
    part = s3.get_object(Bucket="trailkeep-lake", Key=key, Range="bytes=-8")
    assert part["Body"].read() == body[-8:] and part["ContentRange"] == f"bytes {size - 8}-{size - 1}/{size}"
    folders = s3.list_objects_v2(Bucket="trailkeep-lake", Prefix=f"{ACCOUNT}/{uuid(store)}/", Delimiter="/")["CommonPrefixes"]
    assert [folder["Prefix"].rsplit("/", 2)[1] for folder in folders] == ["data", "metadata"]
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket="trailkeep-lake", PaginationConfig={"PageSize": 2})
    assert key in [found["Key"] for page in pages for found in page.get("Contents", [])]
    assert s3.head_bucket(Bucket="trailkeep-lake")
    with refused("NoSuchKey"):
        s3.get_object(Bucket="trailkeep-lake", Key=f"{ACCOUNT}/{uuid(store)}/data/none.parquet")
    for forbidden in [
        lambda: s3.put_object(Bucket="trailkeep-lake", Key=key, Body=b"x"),
        lambda: s3.delete_object(Bucket="trailkeep-lake", Key=key),
        lambda: s3.delete_bucket(Bucket="trailkeep-lake"),
        lambda: s3.put_bucket_policy(Bucket="trailkeep-lake", Policy="{}"),
        lambda: s3.get_object(Bucket="trailkeep-lake", Key=f"{OTHER}/x/data/a.parquet"),
    ]:
        with refused("AccessDenied"):
            forbidden()
    with pytest.raises(ClientError):
        s3.create_bucket(Bucket="trailkeep-lake")
    server.aws("s3", "cp", f"s3://trailkeep-lake/{key}", str(tmp_path / "copy"))
    assert (tmp_path / "copy").read_bytes() == body


def test_another_account_sees_none_of_it(server, store, table):
    other = dict(zip(["aws_access_key_id", "aws_secret_access_key"], OTHER_KEYS))
    theirs = catalog(server, make_token(server, "--read", "--account", OTHER))
    assert theirs.list_tables("aws:cloudtrail") == []
    with pytest.raises(NoSuchTableError):
        theirs.load_table(("aws:cloudtrail", uuid(store)))
    s3 = server.client("s3", **other)
    assert "Contents" not in s3.list_objects_v2(Bucket="trailkeep-lake")
    with refused("AccessDenied"):
        s3.get_object(Bucket="trailkeep-lake", Key=f"{ACCOUNT}/{uuid(store)}/metadata/x.json")


def test_reading_a_table_is_an_event(server, token, store, table):
    get(server, f"/v1/namespaces/aws_cloudtrail/tables/{uuid(store)}", {"Authorization": f"Bearer {token}"})
    lookup = [{"AttributeKey": "EventName", "AttributeValue": "GetEventDataStoreData"}]
    found = eventually(lambda: server.client("cloudtrail").lookup_events(LookupAttributes=lookup)["Events"])
    event = json.loads(found[0]["CloudTrailEvent"])
    assert event["requestParameters"] == {"eventDataStore": store} and event["readOnly"] is True
    assert event["resources"][0]["ARN"] == store


def test_federation_goes_through_its_states(server):
    client = server.client("cloudtrail")
    arn = make_store(server, "states", category="Management")
    assert status(server, arn) == "DISABLED"
    with refused("InvalidParameterException"):
        client.disable_federation(EventDataStore=arn)
    federate(server, arn)
    with refused("EventDataStoreFederationEnabledException"):
        client.enable_federation(EventDataStore=uuid(arn), FederationRoleArn=ROLE)
    with refused("EventDataStoreFederationEnabledException"):
        client.delete_event_data_store(EventDataStore=arn)
    assert client.get_event_data_store(EventDataStore=arn)["FederationRoleArn"] == ROLE
    folder = Path(server.data) / "lake" / ACCOUNT / uuid(arn) / "metadata"
    assert list(folder.iterdir())
    told = client.disable_federation(EventDataStore=uuid(arn))
    assert told["FederationStatus"] == "DISABLING" and told["EventDataStoreArn"] == arn
    eventually(lambda: status(server, arn) == "DISABLED")
    assert not list(folder.iterdir()), "what was published is removed"
    assert "FederationRoleArn" not in client.get_event_data_store(EventDataStore=arn)
    federate(server, arn)
    client.disable_federation(EventDataStore=arn)
    eventually(lambda: status(server, arn) == "DISABLED")
    client.delete_event_data_store(EventDataStore=arn)


@pytest.mark.parametrize(
    "arguments, code",
    [
        ({"FederationRoleArn": "role"}, "InvalidParameterException"),
        ({"FederationRoleArn": f"arn:aws:iam::{ACCOUNT}:user/alice"}, "InvalidParameterException"),
        ({"FederationRoleArn": f"arn:aws:iam::{OTHER}:role/federation"}, "AccessDeniedException"),
        ({"EventDataStore": "00000000-0000-0000-0000-000000000000"}, "EventDataStoreNotFoundException"),
        ({"EventDataStore": f"arn:aws:cloudtrail:us-east-1:{ACCOUNT}:trail/x"}, "EventDataStoreARNInvalidException"),
    ],
)
def test_what_cannot_be_federated_is_refused(server, store, arguments, code):
    with refused(code):
        server.client("cloudtrail").enable_federation(**{"EventDataStore": store, "FederationRoleArn": ROLE, **arguments})


def test_a_deleted_store_cannot_be_federated(server):
    arn = make_store(server, "deleted", category="Management")
    client = server.client("cloudtrail")
    client.delete_event_data_store(EventDataStore=arn)
    for operation in [lambda: client.enable_federation(EventDataStore=arn, FederationRoleArn=ROLE), lambda: client.disable_federation(EventDataStore=arn)]:
        with refused("InactiveEventDataStoreException"):
            operation()


def test_tables_survive_a_crash(server, token, store, table):
    ids = set(server.sent)
    server.kill()
    server.start()
    again = eventually(lambda: loaded(server, token, store), 60)
    assert rows(again, ids).num_rows == COUNT
    more = events(5)
    assert post_events(server, more).json["accepted"] == 5
    eventually(lambda: rows(again, {event["eventID"] for event in more}).num_rows == 5, 60)


def loaded(server, token, store):
    """The table, or nothing while it is not published anew."""
    try:
        return catalog(server, token).load_table(("aws:cloudtrail", uuid(store)))
    except RESTError:
        return None
