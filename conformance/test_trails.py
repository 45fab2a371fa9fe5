"""Trails: made, read, changed, deleted; their names, quotas, tags and keys; who may see them from where."""

import concurrent.futures
import datetime
import json

import pytest
from botocore.exceptions import ClientError

from conftest import Server, eventually
from wire import ACCOUNT, call, refused

BUCKET = "trail-logs"
OTHER = "210987654321"
CONFIG = f"""
[buckets]
lock = "0s"

[[account]]
id = "{OTHER}"
name = "other"
access_key_id = "AKIAOTHEROTHEROTHER1"
secret_access_key = "other-secret"
"""
OTHER_ROOT = {"aws_access_key_id": "AKIAOTHEROTHEROTHER1", "aws_secret_access_key": "other-secret"}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("server"), config=CONFIG).start()
    server.client("s3").create_bucket(Bucket=BUCKET)
    server.client("s3", **OTHER_ROOT).create_bucket(Bucket="others-logs")
    yield server
    server.kill()


@pytest.fixture
def trails(server):
    """A client of us-east-1; afterwards no trail is left in either account."""
    yield server.client("cloudtrail")
    for settings in [{}, OTHER_ROOT]:
        for trail in server.client("cloudtrail", **settings).list_trails()["Trails"]:
            server.client("cloudtrail", trail["HomeRegion"], **settings).delete_trail(Name=trail["TrailARN"])


def create(client, name="audit", **arguments):
    return client.create_trail(Name=name, **{"S3BucketName": BUCKET, **arguments})


def arn(name="audit", region="us-east-1", account=ACCOUNT):
    return f"arn:aws:cloudtrail:{region}:{account}:trail/{name}"


def body(answer):
    return {key: value for key, value in answer.items() if key != "ResponseMetadata"}


# --- life ---


def test_a_new_trail_has_the_documented_defaults_and_does_not_log(trails):
    made = body(create(trails))
    assert made == {
        "Name": "audit", "S3BucketName": BUCKET, "IncludeGlobalServiceEvents": True, "IsMultiRegionTrail": False,
        "TrailARN": arn(), "LogFileValidationEnabled": False, "IsOrganizationTrail": False, "RecursiveLogging": True,
    }
    expected = {**made, "HomeRegion": "us-east-1", "HasCustomEventSelectors": False, "HasInsightSelectors": False}
    assert trails.get_trail(Name="audit")["Trail"] == expected
    assert trails.get_trail(Name=arn())["Trail"] == expected
    assert trails.describe_trails()["trailList"] == [expected]
    assert trails.list_trails()["Trails"] == [{"TrailARN": arn(), "Name": "audit", "HomeRegion": "us-east-1"}]
    # The legacy texts are there though nothing ever happened; the instants are not.
    assert body(trails.get_trail_status(Name="audit")) == {
        "IsLogging": False, "LatestDeliveryAttemptTime": "", "LatestDeliveryAttemptSucceeded": "",
        "LatestNotificationAttemptTime": "", "LatestNotificationAttemptSucceeded": "", "TimeLoggingStarted": "", "TimeLoggingStopped": "",
    }


def test_start_and_stop_are_told_by_the_status_and_may_be_repeated(trails):
    create(trails)
    trails.start_logging(Name="audit")
    started = trails.get_trail_status(Name=arn())
    assert started["IsLogging"] and started["TimeLoggingStarted"] == started["StartLoggingTime"].astimezone(
        datetime.UTC
    ).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert "StopLoggingTime" not in started
    trails.start_logging(Name=arn())
    assert trails.get_trail_status(Name="audit")["StartLoggingTime"] == started["StartLoggingTime"]
    trails.stop_logging(Name="audit")
    trails.stop_logging(Name="audit")
    stopped = trails.get_trail_status(Name="audit")
    assert not stopped["IsLogging"] and stopped["TimeLoggingStopped"]
    assert stopped["StartLoggingTime"] <= stopped["StopLoggingTime"]


def test_a_deleted_name_is_free_again_and_the_new_trail_is_a_new_one(trails):
    create(trails, TagsList=[{"Key": "a", "Value": "b"}], S3KeyPrefix="one")
    trails.start_logging(Name="audit")
    trails.delete_trail(Name="audit")
    with refused("TrailNotFoundException", f"Unknown trail: {arn()} for the user: {ACCOUNT}"):
        trails.get_trail_status(Name="audit")
    with refused("TrailNotFoundException"):
        trails.delete_trail(Name=arn())
    assert trails.describe_trails(trailNameList=[arn()])["trailList"] == []
    create(trails)
    status = trails.get_trail_status(Name="audit")
    assert not status["IsLogging"] and "StartLoggingTime" not in status
    assert trails.list_tags(ResourceIdList=[arn()])["ResourceTagList"] == [{"ResourceId": arn(), "TagsList": []}]
    assert "S3KeyPrefix" not in trails.get_trail(Name="audit")["Trail"]


def test_trails_are_kept_over_a_kill(trails, server):
    create(trails, S3KeyPrefix="p", TagsList=[{"Key": "a"}])
    trails.start_logging(Name="audit")
    trails.put_event_selectors(TrailName="audit", EventSelectors=[{"ReadWriteType": "WriteOnly"}])
    before = [trails.get_trail(Name="audit")["Trail"], body(trails.get_event_selectors(TrailName="audit"))]
    server.kill()
    server.start()
    assert [trails.get_trail(Name="audit")["Trail"], body(trails.get_event_selectors(TrailName="audit"))] == before
    assert trails.get_trail_status(Name="audit")["IsLogging"]
    assert trails.list_tags(ResourceIdList=[arn()])["ResourceTagList"][0]["TagsList"] == [{"Key": "a"}]


# --- names ---

NAMES = {
    "": "too short. Minimum allowed length: 3 characters. Specified name length: 0 characters.",
    "ab": "Trail name too short. Minimum allowed length: 3 characters. Specified name length: 2 characters.",
    "a" * 129: "Trail name too long. Maximum allowed length: 128 characters. Specified name length: 129 characters.",
    "-audit": "Trail name must starts with a letter or number.",
    "audit_": "Trail name must ends with a letter or number.",
    "trail!": "Trail name must ends with a letter or number.",
    "au dit": "Trail name or ARN can only contain uppercase letters, lowercase letters, numbers, periods (.), hyphens (-), and underscores (_).",
    "aüdit": "can only contain",
    "au._dit": "adjacent",
    "au--dit": "adjacent",
    "192.168.5.4": "IP address",
}


@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_cannot_be_is_refused_with_the_reason(trails, name):
    with refused("InvalidTrailNameException", NAMES[name]):
        create(trails, name)
    with refused("InvalidTrailNameException", NAMES[name]):
        trails.start_logging(Name=name)


@pytest.mark.parametrize("name", ["abc", "a" * 128, "A.b-c_9", "1.2.3"])
def test_names_at_the_edge_of_the_rules_are_taken(trails, name):
    assert create(trails, name)["TrailARN"] == arn(name)


@pytest.mark.parametrize("name", ["arn:aws:cloudtrail", arn(account="12345"), arn(""), arn().replace("trail/", "channel/"), arn("a!b")])
def test_an_arn_that_cannot_be_is_refused(trails, name):
    for operation in [trails.get_trail, trails.get_trail_status, trails.start_logging, trails.delete_trail, trails.update_trail]:
        with refused("CloudTrailARNInvalidException"):
            operation(Name=name)
    with refused("CloudTrailARNInvalidException"):
        trails.get_event_selectors(TrailName=name)


def test_a_trail_that_is_not_there_is_named_as_it_was_asked_for(trails):
    for operation in [trails.get_trail, trails.start_logging, trails.stop_logging, trails.delete_trail, trails.update_trail]:
        with refused("TrailNotFoundException", f"Unknown trail: nobody for the user: {ACCOUNT}"):
            operation(Name="nobody")
        with refused("TrailNotFoundException", f"Unknown trail: {arn('nobody')} for the user: {ACCOUNT}"):
            operation(Name=arn("nobody"))
    # GetTrailStatus alone makes an ARN of the name.
    with refused("TrailNotFoundException", f"Unknown trail: {arn('nobody')} for the user: {ACCOUNT}"):
        trails.get_trail_status(Name="nobody")
    for operation in [trails.get_event_selectors, lambda TrailName: trails.put_event_selectors(TrailName=TrailName, EventSelectors=[{}])]:
        with refused("TrailNotFoundException", "Unknown trail: nobody"):
            operation(TrailName="nobody")


def test_a_missing_name_is_told_as_such(server):
    for operation in ["CreateTrail", "GetTrail", "DeleteTrail", "StartLogging", "GetTrailStatus", "PutEventSelectors"]:
        answer = call(server, operation, {"S3BucketName": BUCKET})
        assert answer.status == 400 and "ame' failed to satisfy constraint: Member must not be null" in answer.json["message"], answer
        assert answer.code in ("InvalidTrailNameException", "TrailNotProvidedException"), answer


def test_the_name_of_a_trail_is_taken_once_per_region(trails, server):
    create(trails)
    with refused("TrailAlreadyExistsException", "audit"):
        create(trails)
    assert create(server.client("cloudtrail", "eu-west-1"))["TrailARN"] == arn(region="eu-west-1")
    assert create(trails, "AUDIT")["TrailARN"] == arn("AUDIT")


# --- settings ---


def test_settings_are_checked_before_anything_is_made(trails):
    with refused("S3BucketDoesNotExistException", "S3 bucket no-such-bucket does not exist!"):
        create(trails, S3BucketName="no-such-bucket")
    for bucket in ["No-Such", "ab", "1.2.3.4", "a" * 64, "bucket_"]:
        with refused("InvalidS3BucketNameException"):
            create(trails, S3BucketName=bucket)
    with refused("InvalidS3PrefixException"):
        create(trails, S3KeyPrefix="p" * 201)
    # The combination is looked at before the bucket.
    with refused("InvalidParameterCombinationException", "Multi-Region trail must include global service events."):
        create(trails, S3BucketName="no-such-bucket", IsMultiRegionTrail=True, IncludeGlobalServiceEvents=False)
    assert trails.describe_trails()["trailList"] == []


def test_the_bucket_of_another_account_is_refused_for_want_of_a_policy(trails):
    with refused("InsufficientS3BucketPolicyException", "Incorrect S3 bucket policy is detected for bucket: others-logs"):
        create(trails, S3BucketName="others-logs")


UNBUILT = {
    "SnsTopicName": "topic", "CloudWatchLogsLogGroupArn": "arn:aws:logs:us-east-1:123456789012:log-group:g:*",
    "CloudWatchLogsRoleArn": "arn:aws:iam::123456789012:role/r", "KmsKeyId": "alias/k", "IsOrganizationTrail": True,
}


@pytest.mark.parametrize("argument", UNBUILT)
def test_an_argument_without_behaviour_is_refused_by_name_and_its_empty_value_is_not(trails, argument):
    with refused("UnsupportedOperationException", argument):
        create(trails, **{argument: UNBUILT[argument]})
    nothing = False if argument == "IsOrganizationTrail" else ""
    made = create(trails, **{argument: nothing})
    assert argument not in made or made[argument] is False
    with refused("UnsupportedOperationException", argument):
        trails.update_trail(Name="audit", **{argument: UNBUILT[argument]})
    trails.update_trail(Name="audit", **{argument: nothing})


def test_an_update_changes_what_it_names_and_keeps_the_rest(trails, server):
    server.client("s3").create_bucket(Bucket="second-logs")
    create(trails, S3KeyPrefix="pre/fix", EnableLogFileValidation=True)
    assert body(trails.update_trail(Name="audit")) == body(trails.update_trail(Name=arn()))
    assert trails.get_trail(Name="audit")["Trail"]["S3KeyPrefix"] == "pre/fix"
    changed = trails.update_trail(
        Name="audit", S3BucketName="second-logs", S3KeyPrefix="", EnableLogFileValidation=False, IncludeGlobalServiceEvents=False
    )
    assert "S3KeyPrefix" not in changed and changed["S3BucketName"] == "second-logs"
    assert (changed["LogFileValidationEnabled"], changed["IncludeGlobalServiceEvents"]) == (False, False)
    # Global events come back with all Regions.
    grown = trails.update_trail(Name="audit", IsMultiRegionTrail=True)
    assert grown["IsMultiRegionTrail"] and grown["IncludeGlobalServiceEvents"]
    with refused("InvalidParameterCombinationException"):
        trails.update_trail(Name="audit", IncludeGlobalServiceEvents=False)
    with refused("S3BucketDoesNotExistException"):
        trails.update_trail(Name="audit", S3BucketName="no-such-bucket")
    assert not trails.update_trail(Name="audit", IsMultiRegionTrail=False)["IsMultiRegionTrail"]
    for missing in ["HomeRegion", "HasCustomEventSelectors", "HasInsightSelectors"]:
        assert missing not in changed


def test_an_update_checks_the_bucket_it_keeps(trails, server):
    server.client("s3").create_bucket(Bucket="fleeting-logs")
    create(trails, S3BucketName="fleeting-logs")
    s3 = server.client("s3")
    for marker in s3.list_objects_v2(Bucket="fleeting-logs").get("Contents", []):
        s3.delete_object(Bucket="fleeting-logs", Key=marker["Key"])
    s3.delete_bucket(Bucket="fleeting-logs")
    with refused("S3BucketDoesNotExistException", "fleeting-logs"):
        trails.update_trail(Name="audit")


# --- Regions ---


def test_a_multi_region_trail_is_seen_everywhere_and_changed_at_home(trails, server):
    create(trails, "everywhere", IsMultiRegionTrail=True)
    create(trails, "here")
    away = server.client("cloudtrail", "eu-west-1")
    names = lambda client, **arguments: [trail["Name"] for trail in client.describe_trails(**arguments)["trailList"]]
    assert sorted(names(trails)) == ["everywhere", "here"]
    assert names(away) == ["everywhere"]
    assert names(away, includeShadowTrails=False) == []
    assert names(away, trailNameList=["everywhere"]) == [], "a shadow needs its ARN"
    assert names(away, trailNameList=[arn("everywhere"), arn("here"), "nobody"]) == ["everywhere"]
    assert away.get_trail(Name=arn("everywhere"))["Trail"]["HomeRegion"] == "us-east-1"
    assert away.get_trail_status(Name=arn("everywhere"))["IsLogging"] is False
    assert away.get_event_selectors(TrailName=arn("everywhere"))["TrailARN"] == arn("everywhere")
    with refused("TrailNotFoundException"):
        away.get_trail(Name="everywhere")
    with refused("TrailNotFoundException"):
        away.get_trail_status(Name=arn("here"))
    # ListTrails alone tells of all homes.
    assert [trail["Name"] for trail in away.list_trails()["Trails"]] == ["everywhere", "here"]
    for change in [away.start_logging, away.stop_logging, away.update_trail, away.delete_trail]:
        for name in ["everywhere", arn("everywhere"), arn("here")]:
            with refused("InvalidHomeRegionException"):
                change(Name=name)
        with refused("TrailNotFoundException"):
            change(Name="here")
    with refused("InvalidHomeRegionException"):
        away.put_event_selectors(TrailName=arn("everywhere"), EventSelectors=[{}])


def test_trails_are_listed_in_the_order_in_which_they_were_made(trails, server):
    create(trails, "second-by-name", IsMultiRegionTrail=True)
    create(server.client("cloudtrail", "eu-west-1"), "away")
    create(trails, "first-by-name")
    for listed in [trails.list_trails()["Trails"], trails.describe_trails()["trailList"], server.client("cloudtrail", "eu-west-1").describe_trails()["trailList"]]:
        names = [trail["Name"] for trail in listed]
        assert names == [name for name in ["second-by-name", "away", "first-by-name"] if name in names] and len(names) >= 2


def test_a_region_has_five_trails_and_one_of_all_regions_counts_in_each(trails, server):
    away = server.client("cloudtrail", "eu-west-1")
    create(trails, "everywhere", IsMultiRegionTrail=True)
    for n in range(4):
        create(away, f"away{n}")
    with refused("MaximumNumberOfTrailsExceededException", f"User: {ACCOUNT} already has 5 trails in eu-west-1."):
        create(away, "away5")
    create(trails, "here")
    with refused("MaximumNumberOfTrailsExceededException", "eu-west-1"):
        create(trails, "everywhere2", IsMultiRegionTrail=True)
    with refused("MaximumNumberOfTrailsExceededException", "eu-west-1"):
        trails.update_trail(Name="here", IsMultiRegionTrail=True)
    # A name that is taken is told before the quota.
    with refused("TrailAlreadyExistsException"):
        create(away, "away0")
    away.delete_trail(Name="away0")
    trails.update_trail(Name="here", IsMultiRegionTrail=True)


# --- at once ---


def together(*calls):
    """The calls, all at once: answers and error codes."""
    def one(call):
        try:
            return call()["Name"]
        except ClientError as error:
            return error.response["Error"]["Code"]

    with concurrent.futures.ThreadPoolExecutor(len(calls)) as pool:
        return sorted(pool.map(one, calls))


def test_of_calls_at_once_for_one_name_exactly_one_wins(trails):
    outcome = together(*[lambda: create(trails)] * 8)
    assert outcome == ["TrailAlreadyExistsException"] * 7 + ["audit"]


def test_of_eight_names_at_once_five_win(trails):
    outcome = together(*[lambda n=n: create(trails, f"audit{n}") for n in range(8)])
    assert outcome.count("MaximumNumberOfTrailsExceededException") == 3 and len(set(outcome)) == 6
    assert len(trails.list_trails()["Trails"]) == 5


def test_updates_at_once_do_not_undo_each_other(trails):
    create(trails)
    together(
        lambda: trails.update_trail(Name="audit", S3KeyPrefix="p"),
        lambda: trails.update_trail(Name="audit", EnableLogFileValidation=True),
        lambda: trails.update_trail(Name="audit", IsMultiRegionTrail=True),
        lambda: {**trails.put_event_selectors(TrailName="audit", EventSelectors=[{"ReadWriteType": "ReadOnly"}]), "Name": ""},
    )
    trail = trails.get_trail(Name="audit")["Trail"]
    assert (trail["S3KeyPrefix"], trail["LogFileValidationEnabled"], trail["IsMultiRegionTrail"]) == ("p", True, True)
    assert trail["HasCustomEventSelectors"]


# --- tags ---


def tags(client, name="audit"):
    listed = client.list_tags(ResourceIdList=[arn(name)])["ResourceTagList"]
    assert [entry["ResourceId"] for entry in listed] == [arn(name)]
    return listed[0]["TagsList"]


def test_tags_are_added_overwritten_and_removed_by_key(trails):
    create(trails, TagsList=[{"Key": "team", "Value": "blue"}, {"Key": "Team"}])
    assert tags(trails) == [{"Key": "team", "Value": "blue"}, {"Key": "Team"}], "a tag without a value stays without"
    trails.add_tags(ResourceId=arn(), TagsList=[{"Key": "team", "Value": "red"}, {"Key": "cost", "Value": "1"}])
    assert tags(trails) == [{"Key": "team", "Value": "red"}, {"Key": "Team"}, {"Key": "cost", "Value": "1"}]
    trails.remove_tags(ResourceId=arn(), TagsList=[{"Key": "team", "Value": "whatever"}, {"Key": "unknown"}, {"Key": "Team"}])
    assert tags(trails) == [{"Key": "cost", "Value": "1"}]


def test_tags_have_limits(trails):
    create(trails)
    bad = [[{"Key": "a"}, {"Key": "a", "Value": "b"}], [{"Key": "k" * 129}], [{"Key": "a", "Value": "v" * 257}], [{"Key": "aws:x"}]]
    for taken in bad:
        with refused("InvalidTagParameterException"):
            trails.add_tags(ResourceId=arn(), TagsList=taken)
        with refused("InvalidTagParameterException"):
            create(trails, "second", TagsList=taken)
    many = [{"Key": f"k{n}", "Value": "v" * 256} for n in range(50)]
    trails.add_tags(ResourceId=arn(), TagsList=many)
    with refused("TagsLimitExceededException"):
        trails.add_tags(ResourceId=arn(), TagsList=[{"Key": "one-more"}])
    trails.add_tags(ResourceId=arn(), TagsList=[{"Key": "k7", "Value": "new"}])
    assert len(tags(trails)) == 50
    with refused("TagsLimitExceededException"):
        create(trails, "second", TagsList=[*many, {"Key": "one-more"}])
    assert [trail["Name"] for trail in trails.list_trails()["Trails"]] == ["audit"]


def test_tags_are_asked_for_by_the_whole_arn_of_a_trail_that_is_here(trails, server):
    create(trails)
    wrong = {
        "audit": "CloudTrailARNInvalidException",
        "arn:aws:s3:::bucket": "CloudTrailARNInvalidException",
        arn("no-such-trail"): "ResourceNotFoundException",
        arn(account=OTHER): "ResourceNotFoundException",
        arn().replace("trail/audit", "something/else"): "ResourceTypeNotSupportedException",
    }
    for identifier, code in wrong.items():
        with refused(code):
            trails.add_tags(ResourceId=identifier, TagsList=[{"Key": "a"}])
        with refused(code):
            trails.remove_tags(ResourceId=identifier, TagsList=[{"Key": "a"}])
        with refused(code):
            trails.list_tags(ResourceIdList=[identifier])
    with refused("ResourceNotFoundException"):
        server.client("cloudtrail", "eu-west-1").list_tags(ResourceIdList=[arn()])
    with refused("InvalidTokenException"):
        trails.list_tags(ResourceIdList=[arn()], NextToken="x")
    with pytest.raises(ClientError):
        trails.list_tags(ResourceIdList=[arn()] * 21)
    assert len(trails.list_tags(ResourceIdList=[arn()] * 20)["ResourceTagList"]) >= 1


# --- walls ---


def test_accounts_do_not_see_or_touch_each_others_trails(trails, server):
    create(trails, IsMultiRegionTrail=True, TagsList=[{"Key": "a"}])
    other = server.client("cloudtrail", **OTHER_ROOT)
    assert other.describe_trails()["trailList"] == [] == other.list_trails()["Trails"]
    assert other.describe_trails(trailNameList=[arn()])["trailList"] == []
    for operation in [other.get_trail, other.get_trail_status, other.start_logging, other.delete_trail, other.update_trail]:
        with refused("TrailNotFoundException", f"for the user: {OTHER}"):
            operation(Name=arn())
    for operation in [other.get_event_selectors, lambda TrailName: other.put_event_selectors(TrailName=TrailName, EventSelectors=[{}])]:
        with refused("TrailNotFoundException"):
            operation(TrailName=arn())
    # The same name in the other account is another trail, and quotas do not mix.
    for n in range(5):
        assert create(other, f"audit{n}"[: 5 + (n > 0)], S3BucketName="others-logs")["TrailARN"].split(":")[4] == OTHER
    assert [trail["TrailARN"] for trail in trails.list_trails()["Trails"]] == [arn()]


# --- Terraform ---


def test_what_terraform_asks_and_sends_is_understood(trails):
    made = create(trails, IsMultiRegionTrail=True, EnableLogFileValidation=True, TagsList=[{"Key": "Name", "Value": "x"}])["TrailARN"]
    trails.start_logging(Name=made)
    assert len(trails.describe_trails(trailNameList=[made])["trailList"]) == 1
    assert trails.get_trail_status(Name=made)["IsLogging"]
    empty = dict.fromkeys(["KmsKeyId", "SnsTopicName", "CloudWatchLogsLogGroupArn", "CloudWatchLogsRoleArn", "S3KeyPrefix"], "")
    updated = trails.update_trail(Name=made, **empty)
    assert not set(empty) & set(updated)
    trails.put_event_selectors(TrailName=made, EventSelectors=[{"ReadWriteType": "WriteOnly", "IncludeManagementEvents": True, "DataResources": []}])
    assert trails.describe_trails(trailNameList=[made])["trailList"][0]["HasCustomEventSelectors"]
    default = {"ReadWriteType": "All", "IncludeManagementEvents": True, "DataResources": []}
    trails.put_event_selectors(TrailName=made, EventSelectors=[default])
    assert not trails.describe_trails(trailNameList=[made])["trailList"][0]["HasCustomEventSelectors"]
    trails.stop_logging(Name=made)
    trails.delete_trail(Name=made)
    assert trails.describe_trails(trailNameList=[made])["trailList"] == []
    with refused("TrailNotFoundException"):
        trails.delete_trail(Name=made)


# --- keys ---


def test_public_keys_are_those_of_the_region_and_the_range(trails, server):
    create(trails, EnableLogFileValidation=True)
    trails.start_logging(Name="audit")
    key = eventually(lambda: trails.list_public_keys()["PublicKeyList"])[0]
    assert len(key["Fingerprint"]) == 32 and key["Value"][0] == 0x30
    assert key["ValidityStartTime"] < key["ValidityEndTime"]
    within = {"StartTime": key["ValidityStartTime"], "EndTime": key["ValidityEndTime"]}
    assert key in trails.list_public_keys(**within)["PublicKeyList"]
    assert trails.list_public_keys(StartTime=0, EndTime=1)["PublicKeyList"] == []
    assert server.client("cloudtrail", "sa-east-1").list_public_keys()["PublicKeyList"] == []
    with refused("InvalidTimeRangeException"):
        trails.list_public_keys(StartTime=2, EndTime=1)
    with refused("InvalidTokenException"):
        trails.list_public_keys(NextToken="x")


def test_the_cli_makes_and_changes_trails_and_tells_errors(trails, server):
    made = server.aws("cloudtrail", "create-trail", "--name", "cli", "--s3-bucket-name", BUCKET, "--is-multi-region-trail", "--tags-list", "Key=a,Value=b")
    assert made["TrailARN"] == arn("cli")
    selectors = json.dumps([{"Name": "all", "FieldSelectors": [{"Field": "eventCategory", "Equals": ["Management"]}]}])
    server.aws("cloudtrail", "put-event-selectors", "--trail-name", "cli", "--advanced-event-selectors", selectors)
    done = server.aws("cloudtrail", "delete-trail", "--name", arn("cli"), region="eu-west-1", check=False)
    assert done.returncode != 0 and "InvalidHomeRegionException" in done.stderr
