"""Event selectors: what may be put, what is echoed, what is read back."""

import pytest

from wire import ACCOUNT, call, refused

BUCKET = "trail-logs"
ARN = f"arn:aws:cloudtrail:us-east-1:{ACCOUNT}:trail/audit"


@pytest.fixture
def trails(server):
    """A client, and a new trail."""
    client = server.client("cloudtrail")
    buckets = [bucket["Name"] for bucket in server.client("s3").list_buckets()["Buckets"]]
    if BUCKET not in buckets:
        server.client("s3").create_bucket(Bucket=BUCKET)
    client.create_trail(Name="audit", S3BucketName=BUCKET)
    yield client
    client.delete_trail(Name="audit")


def body(answer):
    return {key: value for key, value in answer.items() if key != "ResponseMetadata"}


DEFAULT = {"ReadWriteType": "All", "IncludeManagementEvents": True, "DataResources": [], "ExcludeManagementEventSources": []}
S3_OBJECT, FUNCTION, TABLE = "AWS::S3::Object", "AWS::Lambda::Function", "AWS::DynamoDB::Table"
A_FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:f"
A_TABLE = "arn:aws:dynamodb:us-east-1:123456789012:table/t"


def put(client, basic=None, advanced=None):
    selectors = {"EventSelectors": basic} if basic is not None else {}
    return client.put_event_selectors(TrailName="audit", **selectors, **({"AdvancedEventSelectors": advanced} if advanced is not None else {}))


def data(type_, *values, **members):
    return {"DataResources": [{"Type": type_, "Values": list(values)}], **members}


def test_a_new_trail_has_the_one_default_selector(trails):
    assert body(trails.get_event_selectors(TrailName="audit")) == {"TrailARN": ARN, "EventSelectors": [DEFAULT]}


def test_basic_selectors_are_echoed_with_their_defaults_and_replaced_whole(trails):
    given = [
        {"ReadWriteType": "ReadOnly", "ExcludeManagementEventSources": ["kms.amazonaws.com", "rdsdata.amazonaws.com"]},
        data(S3_OBJECT, "arn:aws:s3:::logs/", "arn:aws:s3:::logs/a/b", "arn:aws:s3"),
        data(FUNCTION, "arn:aws:lambda", A_FUNCTION, IncludeManagementEvents=False),
        data(TABLE, "arn:aws:dynamodb", A_TABLE, ReadWriteType="WriteOnly"),
    ]
    echoed = put(trails, given)
    expected = [{**DEFAULT, **selector} for selector in given]
    assert body(echoed) == {"TrailARN": ARN, "EventSelectors": expected}
    assert trails.get_event_selectors(TrailName=ARN)["EventSelectors"] == expected
    put(trails, [{}])
    assert trails.get_event_selectors(TrailName="audit")["EventSelectors"] == [DEFAULT]


BASIC_WRONG = {
    "none": ([], ""),
    "six": ([{}] * 6, "1 to 5"),
    "read-write type": ([{"ReadWriteType": "Sometimes"}], ""),
    "type of another service": ([data("AWS::SQS::Queue", "arn:aws:sqs")], "DataResources.Type"),
    "wildcard": ([data(S3_OBJECT, "arn:aws:s3:::*")], "Value arn:aws:s3:::* for DataResources.Values is invalid."),
    "bucket without its slash": ([data(S3_OBJECT, "arn:aws:s3:::bucket")], "for DataResources.Values is invalid."),
    "no ARN": ([data(S3_OBJECT, "bucket/")], "for DataResources.Values is invalid."),
    "function with a version": ([data(FUNCTION, A_FUNCTION + ":1")], "for DataResources.Values is invalid."),
    "ARN of another type": ([data(TABLE, A_FUNCTION)], "for DataResources.Values is invalid."),
    "excluded source": ([{"ExcludeManagementEventSources": ["iam.amazonaws.com"]}], "iam.amazonaws.com"),
    "exclusion of what is not included": ([{"IncludeManagementEvents": False, "ExcludeManagementEventSources": ["kms.amazonaws.com"]}], ""),
    "251 values over all selectors": (
        [data(S3_OBJECT, *(f"arn:aws:s3:::b{n}/" for n in range(125))), data(S3_OBJECT, *(f"arn:aws:s3:::c{n}/" for n in range(126)))],
        "Specify a valid number of DataResources.Values (0 to 250) for all your selectors",
    ),
}


@pytest.mark.parametrize("case", BASIC_WRONG)
def test_basic_selectors_that_break_a_rule_are_refused_and_change_nothing(trails, case):
    selectors, message = BASIC_WRONG[case]
    with refused("InvalidEventSelectorsException", message):
        put(trails, selectors)
    assert trails.get_event_selectors(TrailName="audit")["EventSelectors"] == [DEFAULT]


def test_values_that_mean_all_do_not_count_towards_the_250(trails):
    put(trails, [data(S3_OBJECT, "arn:aws:s3", *(f"arn:aws:s3:::b{n}/" for n in range(250))), data(FUNCTION, "arn:aws:lambda")])


def field(name, **operators):
    return {"Field": name, **operators}


def fields(category, *more, name=None):
    return {**({"Name": name} if name else {}), "FieldSelectors": [field("eventCategory", Equals=[category]), *more]}


OBJECTS = field("resources.type", Equals=[S3_OBJECT])
FROM_EC2 = field("eventSource", Equals=["ec2.amazonaws.com"])

ADVANCED_RIGHT = {
    "management": [fields("Management", name="Management events selector")],
    "management reads without KMS": [
        fields("Management", field("readOnly", Equals=["true"]), field("eventSource", NotEquals=["kms.amazonaws.com", "rdsdata.amazonaws.com"]))
    ],
    "data": [fields("Data", OBJECTS)],
    "every field of data, every operator": [
        fields(
            "Data", OBJECTS, field("readOnly", Equals=["false"]), field("eventName", Equals=["PutObject"], StartsWith=["Get"], EndsWith=["s"]),
            field("eventSource", NotEquals=["x.amazonaws.com"], NotStartsWith=["y"], NotEndsWith=["z"]), field("eventType", Equals=["AwsApiCall"]),
            field("userIdentity.arn", NotStartsWith=["arn:aws:sts::"]), field("sessionCredentialFromConsole", NotEquals=["true"]),
            field("resources.ARN", Equals=["arn:aws:s3:::b/k"], StartsWith=["arn:aws:s3:::pay-"], NotStartsWith=["arn:aws:s3:::pay-tmp"], EndsWith=[".pdf"]),
        )
    ],
    "network activity": [
        fields("NetworkActivity", FROM_EC2, field("errorCode", Equals=["VpceAccessDenied"]), field("vpcEndpointId", NotEquals=["vpce-1"]), field("eventName", StartsWith=["Run"]), field("userIdentity.arn", EndsWith=["x"]))
    ],
    "more than five": [fields("Data", OBJECTS, name=f"n{n}") for n in range(12)],
}


@pytest.mark.parametrize("case", ADVANCED_RIGHT)
def test_advanced_selectors_are_echoed_as_sent_and_read_with_fields_sorted(trails, case):
    given = ADVANCED_RIGHT[case]
    assert body(put(trails, advanced=given)) == {"TrailARN": ARN, "AdvancedEventSelectors": given}
    got = body(trails.get_event_selectors(TrailName="audit"))
    ordered = [{**selector, "FieldSelectors": sorted(selector["FieldSelectors"], key=lambda one: one["Field"])} for selector in given]
    assert got == {"TrailARN": ARN, "AdvancedEventSelectors": ordered}
    assert trails.get_trail(Name="audit")["Trail"]["HasCustomEventSelectors"]


ADVANCED_WRONG = {
    "none": [],
    "no fields": [{"FieldSelectors": []}],
    "no category": [{"FieldSelectors": [OBJECTS]}],
    "category that is none": [fields("Everything")],
    "two categories": [{"FieldSelectors": [field("eventCategory", Equals=["Management", "Data"]), OBJECTS]}],
    "category by another operator": [{"FieldSelectors": [field("eventCategory", StartsWith=["Manage"])]}],
    "field twice": [fields("Data", OBJECTS, field("eventName", Equals=["a"]), field("eventName", Equals=["b"]))],
    "field without an operator": [fields("Data", OBJECTS, field("eventName"))],
    "operator without a value": [fields("Data", OBJECTS, field("eventName", Equals=[]))],
    "empty value": [fields("Data", OBJECTS, field("eventName", Equals=[""]))],
    "value of 2049 characters": [fields("Data", OBJECTS, field("eventName", Equals=["x" * 2049]))],
    "501 values": [fields("Data", OBJECTS, field("eventName", Equals=[f"e{n}" for n in range(499)]))],
    "name of 1001 characters": [fields("Management", name="n" * 1001)],
    "unknown field": [fields("Data", OBJECTS, field("awsRegion", Equals=["us-east-1"]))],
    "ill-formed field": [fields("Data", OBJECTS, field("event name", Equals=["x"]))],
    "management: readOnly maybe": [fields("Management", field("readOnly", Equals=["maybe"]))],
    "management: readOnly both": [fields("Management", field("readOnly", Equals=["true", "false"]))],
    "management: readOnly not": [fields("Management", field("readOnly", NotEquals=["true"]))],
    "management: eventSource equals": [fields("Management", field("eventSource", Equals=["kms.amazonaws.com"]))],
    "management: another source": [fields("Management", field("eventSource", NotEquals=["iam.amazonaws.com"]))],
    "management: eventName": [fields("Management", field("eventName", Equals=["x"]))],
    "management: resources.type": [fields("Management", OBJECTS)],
    "data: no type": [fields("Data")],
    "data: two types": [fields("Data", field("resources.type", Equals=[S3_OBJECT, FUNCTION]))],
    "data: type by prefix": [fields("Data", field("resources.type", StartsWith=["AWS::S3"]))],
    "data: type that is none": [fields("Data", field("resources.type", Equals=["S3 objects"]))],
    "data: ARN that is none": [fields("Data", OBJECTS, field("resources.ARN", Equals=["bucket/key"]))],
    "data: ARN of another type": [fields("Data", OBJECTS, field("resources.ARN", NotEquals=[A_FUNCTION]))],
    "data: console session false": [fields("Data", OBJECTS, field("sessionCredentialFromConsole", Equals=["false"]))],
    "data: errorCode": [fields("Data", OBJECTS, field("errorCode", Equals=["AccessDenied"]))],
    "network: no source": [fields("NetworkActivity")],
    "network: two sources": [fields("NetworkActivity", field("eventSource", Equals=["ec2.amazonaws.com", "s3.amazonaws.com"]))],
    "network: source by prefix": [fields("NetworkActivity", field("eventSource", StartsWith=["ec2"]))],
    "network: another error": [fields("NetworkActivity", FROM_EC2, field("errorCode", Equals=["AccessDenied"]))],
    "network: readOnly": [fields("NetworkActivity", FROM_EC2, field("readOnly", Equals=["true"]))],
    "one good, one bad": [fields("Management"), fields("Data")],
}


@pytest.mark.parametrize("case", ADVANCED_WRONG)
def test_advanced_selectors_that_break_a_rule_are_refused_and_change_nothing(server, trails, case):
    answer = call(server, "PutEventSelectors", {"TrailName": "audit", "AdvancedEventSelectors": ADVANCED_WRONG[case]})
    assert (answer.status, answer.code) == (400, "InvalidEventSelectorsException"), answer
    assert answer.json["message"]
    assert trails.get_event_selectors(TrailName="audit")["EventSelectors"] == [DEFAULT]


def test_five_hundred_advanced_values_are_taken(trails):
    put(trails, advanced=[fields("Data", OBJECTS, field("eventName", Equals=[f"e{n}" for n in range(498)]))])


def test_the_two_kinds_of_selectors_exclude_and_replace_each_other(trails):
    for arguments in [{}, {"basic": [{}], "advanced": [fields("Management")]}]:
        with refused("InvalidEventSelectorsException"):
            put(trails, **arguments)
    put(trails, advanced=[fields("Management")])
    put(trails, [{"ReadWriteType": "ReadOnly"}])
    assert "AdvancedEventSelectors" not in trails.get_event_selectors(TrailName="audit")
    put(trails, advanced=[fields("Management")])
    assert "EventSelectors" not in trails.get_event_selectors(TrailName="audit")
