"""Every call that Trailkeep serves stands in event history, as CloudTrail would write it."""

import datetime
import json
import re

import pytest
from botocore.exceptions import ClientError

from conftest import Server, eventually
from wire import ACCOUNT, call, found, kept, make_token, post_events, presigned, record, root_keys, send, signed

BUCKET = "own-logs"
OTHER = "210987654321"
OTHER_ROOT = {"aws_access_key_id": "AKIAOTHEROTHEROTHER1", "aws_secret_access_key": "other-secret"}
CONFIG = f'[[account]]\nid = "{OTHER}"\naccess_key_id = "AKIAOTHEROTHEROTHER1"\nsecret_access_key = "other-secret"\n'
ORDER = [
    "eventVersion", "userIdentity", "eventTime", "eventSource", "eventName", "awsRegion", "sourceIPAddress", "userAgent", "errorCode", "errorMessage",
    "requestParameters", "responseElements", "additionalEventData", "requestID", "eventID", "readOnly", "resources", "eventType", "apiVersion",
    "managementEvent", "recipientAccountId", "eventCategory", "tlsDetails",
]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("server"), config=CONFIG).start()
    server.client("s3").create_bucket(Bucket=BUCKET)
    yield server
    server.kill()


@pytest.fixture(scope="module")
def trails(server):
    client = server.client("cloudtrail")
    client.create_trail(Name="audit", S3BucketName=BUCKET)
    return client


def recorded(server, request_id, region="us-east-1", **settings):
    """The record of the call whose answer bore that id."""
    def look():
        # The newest are first, and nothing else is going on.
        events = server.client("cloudtrail", region, **settings).lookup_events()["Events"]
        records = [json.loads(event["CloudTrailEvent"]) for event in events]
        return [one for one in records if one.get("requestID") == request_id]

    records = eventually(look)
    assert len(records) == 1
    return records[0]


def made(server, method, region="us-east-1", service="cloudtrail", settings=None, **arguments):
    """Makes a call; the answer or error as the client sees it, and the record."""
    client = server.client(service, region, **(settings or {}))
    try:
        answer = getattr(client, method)(**arguments)
    except ClientError as error:
        answer = error.response
    return answer, recorded(server, answer["ResponseMetadata"]["RequestId"], region, **(settings or {}))


ARN = f"arn:aws:cloudtrail:us-east-1:{ACCOUNT}:trail"
CALLS = {
    # Name: method, input, its requestParameters, whether it reads.
    "DescribeTrails": ("describe_trails", {"trailNameList": ["audit"], "includeShadowTrails": False}, {"trailNameList": ["audit"], "includeShadowTrails": False}, True),
    "GetTrail": ("get_trail", {"Name": "audit"}, {"name": "audit"}, True),
    "GetTrailStatus": ("get_trail_status", {"Name": "audit"}, {"name": "audit"}, True),
    "ListTrails": ("list_trails", {}, None, True),
    "ListTags": ("list_tags", {"ResourceIdList": [f"{ARN}/audit"]}, {"resourceIdList": [f"{ARN}/audit"]}, True),
    "GetEventSelectors": ("get_event_selectors", {"TrailName": "audit"}, {"trailName": "audit"}, True),
    "ListPublicKeys": (
        "list_public_keys", {"StartTime": 1767323045, "EndTime": 1767323046},
        {"startTime": "2026-01-02T03:04:05Z", "endTime": "2026-01-02T03:04:06Z"}, True,
    ),
    "LookupEvents": (
        "lookup_events", {"LookupAttributes": [{"AttributeKey": "EventName", "AttributeValue": "x"}], "StartTime": 1767323045, "MaxResults": 7},
        {"lookupAttributes": [{"attributeKey": "EventName", "attributeValue": "x"}], "startTime": "2026-01-02T03:04:05Z", "maxResults": 7}, True,
    ),
    "UpdateTrail": ("update_trail", {"Name": "audit", "S3KeyPrefix": "p"}, {"name": "audit", "s3KeyPrefix": "p"}, False),
    "PutEventSelectors": (
        "put_event_selectors", {"TrailName": "audit", "EventSelectors": [{"ReadWriteType": "WriteOnly"}]},
        {"trailName": "audit", "eventSelectors": [{"readWriteType": "WriteOnly"}]}, False,
    ),
    "AddTags": ("add_tags", {"ResourceId": f"{ARN}/audit", "TagsList": [{"Key": "a", "Value": "b"}]}, {"resourceId": f"{ARN}/audit", "tagsList": [{"key": "a", "value": "b"}]}, False),
    "RemoveTags": ("remove_tags", {"ResourceId": f"{ARN}/audit", "TagsList": [{"Key": "a"}]}, {"resourceId": f"{ARN}/audit", "tagsList": [{"key": "a"}]}, False),
    "StartLogging": ("start_logging", {"Name": "audit"}, {"name": "audit"}, False),
    "StopLogging": ("stop_logging", {"Name": "audit"}, {"name": "audit"}, False),
    "ListDashboards": ("list_dashboards", {"MaxResults": 5}, {"maxResults": 5}, True),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_call_is_recorded_as_cloudtrail_writes_it(server, trails, name):
    method, given, parameters, reads = CALLS[name]
    answer, event = made(server, method, **given)
    assert list(event) == [key for key in ORDER if key in event], "the order of the keys is CloudTrail's"
    key, _ = root_keys(server)
    assert event["userIdentity"] == {
        "type": "Root", "principalId": ACCOUNT, "arn": f"arn:aws:iam::{ACCOUNT}:root", "accountId": ACCOUNT, "accessKeyId": key,
    }
    assert re.fullmatch(r"[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}", event["eventID"])
    time = datetime.datetime.strptime(event["eventTime"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=datetime.UTC)
    assert abs((datetime.datetime.now(datetime.UTC) - time).total_seconds()) < 60
    expected = {
        "eventVersion": "1.11", "eventSource": "cloudtrail.amazonaws.com", "eventName": name, "awsRegion": "us-east-1", "sourceIPAddress": "127.0.0.1",
        "requestParameters": parameters, "readOnly": reads, "eventType": "AwsApiCall", "apiVersion": "2013-11-01", "managementEvent": True,
        "recipientAccountId": ACCOUNT, "eventCategory": "Management",
    }
    assert {key: event[key] for key in expected} == expected
    assert event["userAgent"].startswith("Boto3/")
    if name == "ListDashboards":
        assert (event["errorCode"], event["errorMessage"]) == (answer["Error"]["Code"], answer["Error"]["Message"])
    else:
        assert not {"errorCode", "errorMessage"} & set(event)
    if name in ("UpdateTrail", "PutEventSelectors"):
        assert event["responseElements"] == lowered({key: value for key, value in answer.items() if key != "ResponseMetadata"})
    else:
        assert event["responseElements"] is None


def lowered(value):
    if isinstance(value, dict):
        return {key[0].lower() + key[1:]: lowered(one) for key, one in value.items()}
    return [lowered(one) for one in value] if isinstance(value, list) else value


def test_making_and_deleting_a_trail_is_recorded_with_its_resources(server):
    answer, event = made(server, "create_trail", "eu-west-1", Name="short", S3BucketName=BUCKET, TagsList=[{"Key": "a", "Value": "b"}])
    assert event["requestParameters"] == {"name": "short", "s3BucketName": BUCKET, "tagsList": [{"key": "a", "value": "b"}]}
    assert event["responseElements"] == lowered({key: value for key, value in answer.items() if key != "ResponseMetadata"})
    assert event["awsRegion"] == "eu-west-1"
    told = found(server, "EventId", event["eventID"], "eu-west-1")[0]
    assert {"ResourceType": "AWS::CloudTrail::Trail", "ResourceName": "short"} in told["Resources"]
    assert {"ResourceType": "AWS::S3::Bucket", "ResourceName": BUCKET} in told["Resources"]
    assert (told["Username"], told["ReadOnly"], told["AccessKeyId"]) == ("root", "false", root_keys(server)[0])
    answer, event = made(server, "delete_trail", "eu-west-1", Name="short")
    assert event["eventName"] == "DeleteTrail" and event["responseElements"] is None and "errorCode" not in event


@pytest.mark.parametrize("method, given, code", [
    ("create_trail", {"Name": "x!", "S3BucketName": BUCKET}, "InvalidTrailNameException"),
    ("create_trail", {"Name": "failed", "S3BucketName": "no-such-bucket"}, "S3BucketDoesNotExistException"),
    ("get_trail", {"Name": "nobody"}, "TrailNotFoundException"),
    ("delete_trail", {"Name": "nobody"}, "TrailNotFoundException"),
    ("lookup_events", {"MaxResults": 51}, "InvalidMaxResultsException"),
])
def test_a_call_that_fails_is_recorded_with_the_error_the_client_reads(server, trails, method, given, code):
    answer, event = made(server, method, **given)
    assert (event["errorCode"], event["errorMessage"]) == (answer["Error"]["Code"], answer["Error"]["Message"]) == (code, event["errorMessage"])
    assert event["requestParameters"] == lowered(given) and event["responseElements"] is None


def test_a_call_that_cannot_be_read_is_recorded_without_parameters(server):
    answer = call(server, "GetTrail", b"{nonsense")
    event = recorded(server, answer.headers["x-amzn-requestid"])
    assert (event["errorCode"], event["requestParameters"], event["eventName"]) == ("SerializationException", None, "GetTrail")


def test_a_failure_leaves_nothing_but_its_record(server, trails):
    made(server, "create_trail", Name="failed", S3BucketName="no-such-bucket")
    assert "failed" not in [trail["Name"] for trail in trails.list_trails()["Trails"]]


def test_who_is_not_known_leaves_no_record(server):
    """There is no account in whose history it could stand, and strangers must not fill the disk."""
    answers = [call(server, "ListTrails", keys=("AKIANOBODYNOBODYNOBO", "x")), call(server, "ListTrails", keys=(root_keys(server)[0], "wrong"))]
    last = call(server, "ListTrails")
    recorded(server, last.headers["x-amzn-requestid"])
    events = [json.loads(event["CloudTrailEvent"]) for event in found(server, "EventName", "ListTrails")]
    assert not {answer.headers["x-amzn-requestid"] for answer in answers} & {event["requestID"] for event in events}


def test_calls_stand_in_the_history_of_the_account_and_the_region_called(server):
    _, event = made(server, "list_trails", "ap-south-1", settings=OTHER_ROOT)
    assert event["recipientAccountId"] == event["userIdentity"]["accountId"] == OTHER and event["awsRegion"] == "ap-south-1"
    assert found(server, "EventId", event["eventID"], "ap-south-1") == []
    assert found(server, "EventId", event["eventID"], **OTHER_ROOT) == []


def test_get_caller_identity_is_recorded(server):
    _, event = made(server, "get_caller_identity", service="sts")
    expected = {"eventSource": "sts.amazonaws.com", "eventName": "GetCallerIdentity", "readOnly": True, "requestParameters": None, "responseElements": None, "apiVersion": "2011-06-15", "managementEvent": True}
    assert {key: event[key] for key in expected} == expected
    answer = send(server, "GET", presigned(server, "/?Action=GetCallerIdentity&Version=2011-06-15", "sts"))
    assert recorded(server, answer.headers["x-amzn-requestid"])["eventName"] == "GetCallerIdentity"


# --- S3 ---

S3_CALLS = [
    ("CreateBucket", "create_bucket", {"Bucket": "own-bucket"}, False),
    ("ListBuckets", "list_buckets", {}, True),
    ("GetBucketLocation", "get_bucket_location", {"Bucket": "own-bucket"}, True),
    ("PutBucketPolicy", "put_bucket_policy", {"Bucket": "own-bucket", "Policy": json.dumps({"Version": "2012-10-17", "Statement": []})}, False),
    ("GetBucketPolicy", "get_bucket_policy", {"Bucket": "no-such-bucket"}, True),
    ("DeleteBucketPolicy", "delete_bucket_policy", {"Bucket": "own-bucket"}, False),
    ("DeleteBucket", "delete_bucket", {"Bucket": "own-bucket"}, False),
]


def test_calls_on_buckets_are_recorded_as_s3_writes_them(server):
    for name, method, given, reads in S3_CALLS:
        answer, event = made(server, method, service="s3", **given)
        expected = {"eventSource": "s3.amazonaws.com", "eventName": name, "readOnly": reads, "managementEvent": True, "eventCategory": "Management", "recipientAccountId": ACCOUNT}
        assert {key: event[key] for key in expected} == expected
        assert list(event) == [key for key in ORDER if key in event], name
        if "Bucket" in given:
            assert event["requestParameters"]["bucketName"] == given["Bucket"], name
        assert event.get("errorCode") == answer.get("Error", {}).get("Code"), name
        assert event["additionalEventData"]["SignatureVersion"] == "SigV4"
        assert event["additionalEventData"]["AuthenticationMethod"] == "AuthHeader"
        assert event["additionalEventData"]["x-amz-id-2"] == answer["ResponseMetadata"]["HostId"]
        assert event["userAgent"].startswith("[Boto3/") and event["userAgent"].endswith("]")


def test_calls_on_objects_are_no_management_events(server):
    s3 = server.client("s3")
    s3.put_object(Bucket=BUCKET, Key="a", Body=b"x")
    s3.get_object(Bucket=BUCKET, Key="a")
    s3.delete_object(Bucket=BUCKET, Key="a")
    made(server, "list_buckets", service="s3")
    for name in ["PutObject", "GetObject", "DeleteObject"]:
        assert found(server, "EventName", name) == []


# --- ours ---


def test_making_a_token_is_recorded_without_the_token(server):
    token = make_token(server, "--ingest", "--adopt")
    event = json.loads(eventually(lambda: found(server, "EventName", "CreateToken"))[0]["CloudTrailEvent"])
    assert event["requestParameters"] == {"kind": "ingest", "account": ACCOUNT, "adopt": True} and event["readOnly"] is False
    assert token not in json.dumps(event) and token[3:] not in json.dumps(event)


def test_the_programs_lookups_are_recorded_as_lookups(server):
    done = server.trailkeep("lookup", "--output", "json")
    assert done.returncode == 0, done.stderr
    calls = lambda: [json.loads(event["CloudTrailEvent"]) for event in found(server, "EventName", "LookupEvents")]
    event = eventually(lambda: [one for one in calls() if one["userAgent"].startswith("trailkeep/")])[0]
    assert "filters" in event["requestParameters"] and event["responseElements"] is None


def test_sending_events_and_being_watched_leaves_no_record(server):
    count = lambda: len([event for event in found(server) if event["EventName"] not in ("LookupEvents", "TestEvent")])
    made(server, "list_trails")
    before = count()
    for _ in range(3):
        kept(post_events(server, [record()]), 1)
        for path in ["/healthz", "/healthz/ready", "/metrics"]:
            assert send(server, "GET", path).status == 200
    send(server, path="/v1/import", body=b"", headers=signed(server, path="/v1/import"))
    made(server, "get_trail", Name="no-such-trail")
    assert count() == before + 1


# --- always ---


def test_no_change_is_without_its_record_after_a_kill(server):
    """The record of a change commits with it, and is in history once, whenever the program is killed."""
    client = server.client("cloudtrail", "us-west-2")
    for n in range(5):
        client.create_trail(Name=f"kept{n}", S3BucketName=BUCKET)
        server.kill()
        server.start()
    eventually(lambda: send(server, "GET", "/healthz/ready").status == 200)
    names = lambda: sorted(json.loads(event["CloudTrailEvent"])["requestParameters"]["name"] for event in found(server, "EventName", "CreateTrail", "us-west-2"))
    eventually(lambda: names() == [f"kept{n}" for n in range(5)])


def test_strict_records_a_read_before_it_is_answered(make_server):
    server = make_server(config="strict = true\n")
    answer = call(server, "ListTrails")
    server.kill()
    server.start()
    assert recorded(server, answer.headers["x-amzn-requestid"])["eventName"] == "ListTrails"


def test_large_parameters_are_left_out_and_said_to_be(server, trails):
    values = [f"arn:aws:s3:::b{n}/{'x' * 500}" for n in range(240)]
    _, event = made(server, "put_event_selectors", TrailName="audit", EventSelectors=[{"DataResources": [{"Type": "AWS::S3::Object", "Values": values}]}])
    assert event["requestParameters"]["omitted"] is True and event["requestParameters"]["originalSize"] > 100_000
    assert event["requestParameters"]["reason"] == "requestParameters too large" and event["responseElements"]["omitted"] is True
