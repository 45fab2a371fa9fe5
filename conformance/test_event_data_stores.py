"""Event data stores: made, changed, stopped, deleted, restored; what they select, and what arrives in them."""

import json
import re
import time
from urllib.parse import quote

import pytest

from conftest import Server, eventually
from wire import ACCOUNT, post_events, refused

OTHER = "210987654321"
CONFIG = f"""
[[account]]
id = "{OTHER}"
name = "other"
access_key_id = "AKIAOTHEROTHEROTHER1"
secret_access_key = "other-secret"
"""
OTHER_ROOT = {"aws_access_key_id": "AKIAOTHEROTHEROTHER1", "aws_secret_access_key": "other-secret"}
UNKNOWN = "01234567-89ab-cdef-0123-456789abcdef"
MANAGEMENT = [{"Field": "eventCategory", "Equals": ["Management"]}]
OBJECTS = [{"Field": "eventCategory", "Equals": ["Data"]}, {"Field": "resources.type", "Equals": ["AWS::S3::Object"]}]
DAY = 86_400


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("server"), config=CONFIG).start()
    yield server
    server.kill()


def remove_all(client):
    for store in client.list_event_data_stores()["EventDataStores"]:
        if store["Status"] != "PENDING_DELETION":
            if store["TerminationProtectionEnabled"]:
                client.update_event_data_store(EventDataStore=store["EventDataStoreArn"], TerminationProtectionEnabled=False)
            client.delete_event_data_store(EventDataStore=store["EventDataStoreArn"])


@pytest.fixture
def stores(server):
    """A client of a Region; afterwards no active store is left there."""
    client = server.client("cloudtrail", "eu-west-1")
    yield client
    remove_all(client)
    remove_all(server.client("cloudtrail", "eu-west-1", **OTHER_ROOT))


def body(answer):
    return {key: value for key, value in answer.items() if key != "ResponseMetadata"}


def selector(fields, **more):
    return {"FieldSelectors": fields, **more}


def id_of(store):
    return store["EventDataStoreArn"].rsplit("/", 1)[1]


def status(client, store):
    return client.get_event_data_store(EventDataStore=store["EventDataStoreArn"])["Status"]


def settled(client, store, wanted="ENABLED"):
    eventually(lambda: status(client, store) == wanted)
    return store


def create(client, name, **arguments):
    """A store that is at work."""
    store = client.create_event_data_store(Name=name, **arguments)
    return settled(client, store, "ENABLED" if arguments.get("StartIngestion", True) else "STOPPED_INGESTION")


# One time for all: an event that is sent twice has to be the same event.
BEGUN = time.time()


def event(event_id, category="Management", name="RunInstances", age=60, **more):
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(BEGUN - age))
    return {
        "eventVersion": "1.11", "userIdentity": {"type": "Root", "accountId": ACCOUNT}, "eventTime": at, "eventSource": "ec2.amazonaws.com",
        "eventName": name, "awsRegion": "eu-west-1", "eventID": event_id, "readOnly": False, "eventType": "AwsApiCall",
        "managementEvent": category == "Management", "recipientAccountId": ACCOUNT, "eventCategory": category, **more,
    }


def send(server, events, route="", **arguments):
    answer = post_events(server, events, query=f"?route={quote(route, safe='')}" if route else "", **arguments)
    assert answer.status == 200, answer
    return answer.json


def rows(client, store, condition="eventName = 'RunInstances'"):
    """How many events of ours a store has."""
    statement = f"SELECT COUNT(*) AS n FROM {id_of(store)} WHERE {condition}"
    query = client.start_query(QueryStatement=statement)["QueryId"]
    eventually(lambda: client.describe_query(QueryId=query)["QueryStatus"] not in ("QUEUED", "RUNNING"))
    answer = client.get_query_results(QueryId=query)
    assert answer["QueryStatus"] == "FINISHED", answer
    return int(answer["QueryResultRows"][0][0]["n"])


def has(client, store, count, condition="eventName = 'RunInstances'"):
    eventually(lambda: rows(client, store, condition) >= count)
    assert rows(client, store, condition) == count


# --- life ---


def test_the_first_start_makes_a_store_for_management_events(make_server):
    server = make_server()
    [store] = server.aws("cloudtrail", "list-event-data-stores")["EventDataStores"]
    assert (store["Name"], store["RetentionPeriod"]) == ("management-events", 3653)
    client = server.client("cloudtrail")
    settled(client, store)
    found = client.get_event_data_store(EventDataStore=id_of(store))
    assert found["AdvancedEventSelectors"] == [selector(MANAGEMENT, Name="Default management events")]
    client.update_event_data_store(EventDataStore=id_of(store), TerminationProtectionEnabled=False)
    client.delete_event_data_store(EventDataStore=id_of(store))
    server.stop()
    server.start()
    [store] = server.client("cloudtrail").list_event_data_stores()["EventDataStores"]
    assert store["Status"] == "PENDING_DELETION", "who deletes it does not get another"


def test_the_cli_takes_a_store_through_its_life(server, stores):
    def aws(verb, *arguments, **more):
        return server.aws("cloudtrail", verb, *arguments, region="eu-west-1", **more)

    made = aws("create-event-data-store", "--name", "life", "--retention-period", "30", "--tags-list", "Key=team,Value=security")
    arn = made["EventDataStoreArn"]
    assert re.fullmatch(rf"arn:aws:cloudtrail:eu-west-1:{ACCOUNT}:eventdatastore/[0-9a-f-]{{36}}", arn)
    assert made["Status"] == "CREATED" and made["TagsList"] == [{"Key": "team", "Value": "security"}]
    assert made["AdvancedEventSelectors"] == [selector(MANAGEMENT, Name="Default management events")]
    assert made["MultiRegionEnabled"] and made["TerminationProtectionEnabled"] and not made["OrganizationEnabled"]
    assert made["BillingMode"] == "EXTENDABLE_RETENTION_PRICING" and made["RetentionPeriod"] == 30
    assert "FederationStatus" not in made

    eventually(lambda: aws("get-event-data-store", "--event-data-store", arn)["Status"] == "ENABLED")
    found = aws("get-event-data-store", "--event-data-store", arn.rsplit("/", 1)[1])
    assert found["EventDataStoreArn"] == arn and found["FederationStatus"] == "DISABLED" and len(found["PartitionKeys"]) <= 2
    assert "TagsList" not in found and "FederationRoleArn" not in found

    updated = aws("update-event-data-store", "--event-data-store", arn, "--name", "later", "--no-termination-protection-enabled", "--no-multi-region-enabled")
    assert (updated["Name"], updated["RetentionPeriod"], updated["MultiRegionEnabled"]) == ("later", 30, False)
    assert updated["UpdatedTimestamp"] > updated["CreatedTimestamp"]

    aws("stop-event-data-store-ingestion", "--event-data-store", arn)
    eventually(lambda: aws("get-event-data-store", "--event-data-store", arn)["Status"] == "STOPPED_INGESTION")
    aws("start-event-data-store-ingestion", "--event-data-store", arn)
    eventually(lambda: aws("get-event-data-store", "--event-data-store", arn)["Status"] == "ENABLED")

    aws("delete-event-data-store", "--event-data-store", arn)
    assert aws("get-event-data-store", "--event-data-store", arn)["Status"] == "PENDING_DELETION"
    restored = aws("restore-event-data-store", "--event-data-store", arn)
    assert (restored["Status"], restored["Name"], restored["EventDataStoreArn"]) == ("ENABLED", "later", arn)
    assert aws("list-tags", "--resource-id-list", arn)["ResourceTagList"][0]["TagsList"] == [{"Key": "team", "Value": "security"}]


def test_a_store_may_begin_without_ingestion_and_is_restored_as_it_was(stores):
    store = create(stores, "quiet", StartIngestion=False, TerminationProtectionEnabled=False)
    stores.delete_event_data_store(EventDataStore=id_of(store))
    assert stores.restore_event_data_store(EventDataStore=id_of(store))["Status"] == "STOPPED_INGESTION"
    stores.start_event_data_store_ingestion(EventDataStore=id_of(store))
    settled(stores, store)


def test_start_and_stop_ask_for_the_state_and_the_kind(stores):
    store = create(stores, "events", TerminationProtectionEnabled=False)
    name = store["EventDataStoreArn"]
    with refused("InvalidEventDataStoreStatusException"):
        stores.start_event_data_store_ingestion(EventDataStore=name)
    stores.stop_event_data_store_ingestion(EventDataStore=name)
    settled(stores, store, "STOPPED_INGESTION")
    with refused("InvalidEventDataStoreStatusException"):
        stores.stop_event_data_store_ingestion(EventDataStore=name)
    stores.delete_event_data_store(EventDataStore=name)
    for change in [stores.start_event_data_store_ingestion, stores.stop_event_data_store_ingestion]:
        with refused("InvalidEventDataStoreStatusException"):
            change(EventDataStore=name)
    for category in ["Insight", "Evidence", "ActivityAuditLog"]:
        kind = create(stores, category, AdvancedEventSelectors=[selector([{"Field": "eventCategory", "Equals": [category]}])])
        for change in [stores.start_event_data_store_ingestion, stores.stop_event_data_store_ingestion]:
            with refused("InvalidEventDataStoreCategoryException"):
                change(EventDataStore=id_of(kind))
    items = create(stores, "items", AdvancedEventSelectors=[selector([{"Field": "eventCategory", "Equals": ["ConfigurationItem"]}])])
    stores.stop_event_data_store_ingestion(EventDataStore=id_of(items))
    settled(stores, items, "STOPPED_INGESTION")


def test_a_deleted_store_answers_to_get_and_restore_alone(stores):
    store = create(stores, "gone")
    name = store["EventDataStoreArn"]
    with refused("EventDataStoreTerminationProtectedException"):
        stores.delete_event_data_store(EventDataStore=name)
    with refused("InvalidEventDataStoreStatusException"):
        stores.restore_event_data_store(EventDataStore=name)
    stores.update_event_data_store(EventDataStore=name, TerminationProtectionEnabled=False)
    stores.delete_event_data_store(EventDataStore=name)
    assert status(stores, store) == "PENDING_DELETION"
    assert name in [listed["EventDataStoreArn"] for listed in stores.list_event_data_stores()["EventDataStores"]]
    with refused("InactiveEventDataStoreException"):
        stores.delete_event_data_store(EventDataStore=name)
    with refused("InactiveEventDataStoreException"):
        stores.update_event_data_store(EventDataStore=name, RetentionPeriod=30)
    with refused("InactiveEventDataStoreException"):
        stores.put_event_configuration(EventDataStore=name, MaxEventSize="Large")
    with refused("InvalidEventDataStoreStatusException"):
        stores.get_event_configuration(EventDataStore=name)
    with refused("InactiveEventDataStoreException"):
        stores.add_tags(ResourceId=name, TagsList=[{"Key": "a", "Value": "b"}])
    with refused("InactiveEventDataStoreException"):
        stores.list_tags(ResourceIdList=[name])
    with refused("EventDataStoreAlreadyExistsException"):
        stores.create_event_data_store(Name="gone")


def test_a_deleted_store_is_gone_after_its_window(make_server):
    server = make_server("--lake-restore-window", "1s", "--lake-flush-interval", "1s")
    client = server.client("cloudtrail", "eu-west-1")
    store = create(client, "short", TerminationProtectionEnabled=False, TagsList=[{"Key": "a", "Value": "b"}])
    client.delete_event_data_store(EventDataStore=id_of(store))
    eventually(lambda: client.list_event_data_stores()["EventDataStores"] == [], seconds=90)
    with refused("EventDataStoreNotFoundException"):
        client.restore_event_data_store(EventDataStore=id_of(store))
    with refused("EventDataStoreNotFoundException"):
        client.get_event_data_store(EventDataStore=id_of(store))
    assert id_of(create(client, "short")) != id_of(store), "the name is free again"


def test_a_restart_keeps_all(make_server):
    server = make_server()
    client = server.client("cloudtrail", "eu-west-1")
    running = create(client, "running", TagsList=[{"Key": "a", "Value": "b"}])
    stopped = create(client, "stopped", StartIngestion=False)
    client.put_event_configuration(EventDataStore=id_of(running), MaxEventSize="Large")
    before = [body(client.get_event_data_store(EventDataStore=id_of(store))) for store in (running, stopped)]
    for end in (server.stop, server.kill):
        end()
        server.start()
        assert [body(client.get_event_data_store(EventDataStore=id_of(store))) for store in (running, stopped)] == before
        assert client.get_event_configuration(EventDataStore=id_of(running))["MaxEventSize"] == "Large"
        tags = client.list_tags(ResourceIdList=[running["EventDataStoreArn"]])["ResourceTagList"][0]["TagsList"]
        assert tags == [{"Key": "a", "Value": "b"}]


# --- settings ---


@pytest.mark.parametrize("arguments", [
    {"RetentionPeriod": 3654},
    {"RetentionPeriod": 2558, "BillingMode": "FIXED_RETENTION_PRICING"},
    {"Name": "with space"},
    {"Name": "n" * 129},
    {"BillingMode": "FREE"},
])
def test_settings_have_limits(stores, arguments):
    with refused("InvalidParameterException"):
        stores.create_event_data_store(**{"Name": "limits", **arguments})


def test_limits_that_boto3_checks_are_the_servers_too(server):
    for retention in (6, 0, -1):
        answer = server.aws("cloudtrail", "create-event-data-store", "--name", "limits", "--retention-period", str(retention), check=False, region="eu-west-1")
        assert answer.returncode != 0


def test_billing_mode_decides_about_retention_and_goes_one_way(stores):
    fixed = create(stores, "fixed", BillingMode="FIXED_RETENTION_PRICING")
    assert fixed["RetentionPeriod"] == 2557
    assert create(stores, "extendable")["RetentionPeriod"] == 366
    with refused("InvalidParameterException"):
        stores.update_event_data_store(EventDataStore=id_of(fixed), RetentionPeriod=3653)
    updated = stores.update_event_data_store(EventDataStore=id_of(fixed), BillingMode="EXTENDABLE_RETENTION_PRICING", RetentionPeriod=3653)
    assert (updated["BillingMode"], updated["RetentionPeriod"]) == ("EXTENDABLE_RETENTION_PRICING", 3653)
    with refused("InvalidParameterException"):
        stores.update_event_data_store(EventDataStore=id_of(fixed), BillingMode="FIXED_RETENTION_PRICING")


def test_an_update_has_to_change_something_and_names_are_unique(stores):
    one, two = create(stores, "one"), create(stores, "two")
    with refused("InvalidParameterException"):
        stores.update_event_data_store(EventDataStore=id_of(one))
    with refused("EventDataStoreAlreadyExistsException"):
        stores.create_event_data_store(Name="one")
    with refused("EventDataStoreAlreadyExistsException"):
        stores.update_event_data_store(EventDataStore=id_of(two), Name="one")
    assert stores.update_event_data_store(EventDataStore=id_of(one), Name="one")["Name"] == "one"


def test_a_region_of_an_account_has_ten(server, stores):
    for number in range(10):
        last = stores.create_event_data_store(Name=f"store-{number}", TerminationProtectionEnabled=False)
    with refused("EventDataStoreMaxLimitExceededException"):
        stores.create_event_data_store(Name="one-more")
    stores.delete_event_data_store(EventDataStore=id_of(last))
    stores.create_event_data_store(Name="one-more")
    with refused("EventDataStoreMaxLimitExceededException"):
        stores.restore_event_data_store(EventDataStore=id_of(last))
    elsewhere = server.client("cloudtrail", "eu-north-1")
    elsewhere.create_event_data_store(Name="store-0")
    remove_all(elsewhere)


def test_stores_are_seen_in_their_region_and_account_alone(server, stores):
    store = create(stores, "walled")
    others = server.client("cloudtrail", "eu-west-1", **OTHER_ROOT)
    for client in (server.client("cloudtrail", "us-east-1"), others):
        for name in (store["EventDataStoreArn"], id_of(store)):
            with refused("EventDataStoreNotFoundException"):
                client.get_event_data_store(EventDataStore=name)
    assert others.list_event_data_stores()["EventDataStores"] == []
    create(others, "walled")


@pytest.mark.parametrize("call_", [
    lambda client, name: client.get_event_data_store(EventDataStore=name),
    lambda client, name: client.update_event_data_store(EventDataStore=name, RetentionPeriod=30),
    lambda client, name: client.delete_event_data_store(EventDataStore=name),
    lambda client, name: client.restore_event_data_store(EventDataStore=name),
    lambda client, name: client.start_event_data_store_ingestion(EventDataStore=name),
    lambda client, name: client.stop_event_data_store_ingestion(EventDataStore=name),
    lambda client, name: client.get_event_configuration(EventDataStore=name),
    lambda client, name: client.put_event_configuration(EventDataStore=name, MaxEventSize="Large"),
])
def test_names_of_stores_that_are_not_there_or_cannot_be(stores, call_):
    with refused("EventDataStoreNotFoundException"):
        call_(stores, UNKNOWN)
    with refused("EventDataStoreNotFoundException"):
        call_(stores, f"arn:aws:cloudtrail:eu-west-1:{ACCOUNT}:eventdatastore/{UNKNOWN}")
    for bad in (f"arn:aws:cloudtrail:eu-west-1:{ACCOUNT}:trail/main", "arn:aws:cloudtrail", f"arn:aws:cloudtrail:eu-west-1:{ACCOUNT}:eventdatastore/x"):
        with refused("EventDataStoreARNInvalidException"):
            call_(stores, bad)


def test_what_is_not_built_says_so(stores):
    with refused("UnsupportedOperationException", "KmsKeyId of CreateEventDataStore is not supported by this version of Trailkeep."):
        stores.create_event_data_store(Name="kms", KmsKeyId="alias/key")
    with refused("UnsupportedOperationException", "OrganizationEnabled of CreateEventDataStore is not supported by this version of Trailkeep."):
        stores.create_event_data_store(Name="org", OrganizationEnabled=True)
    store = create(stores, "plain", OrganizationEnabled=False)
    with refused("UnsupportedOperationException"):
        stores.update_event_data_store(EventDataStore=id_of(store), KmsKeyId="alias/key")
    with refused("UnsupportedOperationException"):
        stores.update_event_data_store(EventDataStore=id_of(store), OrganizationEnabled=True)
    stores.update_event_data_store(EventDataStore=id_of(store), OrganizationEnabled=False)
    aggregation = [{"EventCategory": "Data", "Templates": ["API_ACTIVITY"]}]
    with refused("UnsupportedOperationException"):
        stores.put_event_configuration(TrailName="any", AggregationConfigurations=aggregation)


def test_lists_come_in_pages(server, stores):
    made = [create(stores, f"page-{number}")["EventDataStoreArn"] for number in range(5)]
    seen, token = [], None
    while True:
        page = stores.list_event_data_stores(MaxResults=2, **({"NextToken": token} if token else {}))
        assert len(page["EventDataStores"]) <= 2
        seen += [store["EventDataStoreArn"] for store in page["EventDataStores"]]
        token = page.get("NextToken")
        if not token:
            break
    assert [arn for arn in seen if arn in made] == made and len(seen) == len(set(seen))
    for bad in ("none", "abc.def"):
        with refused("InvalidNextTokenException"):
            stores.list_event_data_stores(NextToken=bad)
    with refused("InvalidMaxResultsException"):
        stores.list_event_data_stores(MaxResults=1001)
    token = stores.list_event_data_stores(MaxResults=1)["NextToken"]
    with refused("InvalidNextTokenException"):
        server.client("cloudtrail", "us-east-1").list_event_data_stores(NextToken=token)


# --- selectors ---


@pytest.mark.parametrize("selectors", [
    [],
    [selector(MANAGEMENT)] * 6,
    [selector([{"Field": "readOnly", "Equals": ["true"]}])],
    [selector([{"Field": "eventCategory", "Equals": ["Aggregated"]}])],
    [selector([{"Field": "eventCategory", "Equals": ["Insight"]}, {"Field": "eventName", "Equals": ["X"]}])],
    [selector([{"Field": "eventCategory", "Equals": ["Insight"]}]), selector(MANAGEMENT)],
    [selector([{"Field": "eventCategory", "Equals": ["Data"]}])],
    [selector(MANAGEMENT + [{"Field": "resources.type", "Equals": ["AWS::S3::Object"]}])],
    [selector(MANAGEMENT + [{"Field": "readOnly", "NotEquals": ["true"]}])],
    [selector([{"Field": "eventCategory", "Equals": ["NetworkActivity"]}])],
    [selector(MANAGEMENT + [{"Field": "eventName", "NotEquals": [f"E{number}" for number in range(500)]}])],
])
def test_selectors_that_cannot_be(stores, selectors):
    with refused("InvalidEventSelectorsException"):
        stores.create_event_data_store(Name="selectors", AdvancedEventSelectors=selectors)


def test_selectors_are_kept_as_given_and_stay_of_a_kind(stores):
    selectors = [
        selector(MANAGEMENT + [{"Field": "userIdentity.arn", "NotEndsWith": ["/deploy"]}, {"Field": "eventName", "StartsWith": ["Delete", "Put"]}], Name="changes"),
        selector(OBJECTS + [{"Field": "resources.ARN", "StartsWith": ["arn:aws:s3:::snowy-pii/"]}]),
        selector([{"Field": "eventCategory", "Equals": ["NetworkActivity"]}, {"Field": "eventSource", "Equals": ["kms.amazonaws.com"]}]),
    ]
    store = create(stores, "mixed", AdvancedEventSelectors=selectors)
    assert store["AdvancedEventSelectors"] == selectors
    assert stores.get_event_data_store(EventDataStore=id_of(store))["AdvancedEventSelectors"] == selectors
    with refused("InvalidEventSelectorsException"):
        stores.update_event_data_store(EventDataStore=id_of(store), AdvancedEventSelectors=[selector([{"Field": "eventCategory", "Equals": ["Insight"]}])])
    updated = stores.update_event_data_store(EventDataStore=id_of(store), AdvancedEventSelectors=selectors[1:2])
    assert updated["AdvancedEventSelectors"] == selectors[1:2]


def test_stores_of_integrations_are_single_region(stores):
    activity = [selector([{"Field": "eventCategory", "Equals": ["ActivityAuditLog"]}])]
    with refused("InvalidParameterException"):
        stores.create_event_data_store(Name="activity", AdvancedEventSelectors=activity, MultiRegionEnabled=True)
    store = create(stores, "activity", AdvancedEventSelectors=activity, MultiRegionEnabled=False)
    assert store["MultiRegionEnabled"] is False
    with refused("InvalidParameterException"):
        stores.update_event_data_store(EventDataStore=id_of(store), MultiRegionEnabled=True)


# --- tags and event configuration ---


def test_tags_are_added_overwritten_and_removed(stores):
    arn = create(stores, "tagged")["EventDataStoreArn"]
    tags = lambda: stores.list_tags(ResourceIdList=[arn])["ResourceTagList"][0]["TagsList"]
    assert tags() == []
    stores.add_tags(ResourceId=arn, TagsList=[{"Key": "a", "Value": "1"}, {"Key": "b"}])
    stores.add_tags(ResourceId=arn, TagsList=[{"Key": "a", "Value": "2"}])
    assert tags() == [{"Key": "a", "Value": "2"}, {"Key": "b"}]
    stores.remove_tags(ResourceId=arn, TagsList=[{"Key": "a"}])
    assert tags() == [{"Key": "b"}]
    with refused("TagsLimitExceededException"):
        stores.add_tags(ResourceId=arn, TagsList=[{"Key": f"k{number}"} for number in range(50)])
    with refused("InvalidTagParameterException"):
        stores.add_tags(ResourceId=arn, TagsList=[{"Key": "aws:mine", "Value": "1"}])
    with refused("EventDataStoreNotFoundException"):
        stores.list_tags(ResourceIdList=[f"arn:aws:cloudtrail:eu-west-1:{ACCOUNT}:eventdatastore/{UNKNOWN}"])
    with refused("EventDataStoreARNInvalidException"):
        stores.list_tags(ResourceIdList=[f"arn:aws:cloudtrail:eu-west-1:{ACCOUNT}:eventdatastore/x"])
    with refused("InvalidTagParameterException"):
        stores.create_event_data_store(Name="more-tags", TagsList=[{"Key": "a"}, {"Key": "a"}])


def test_event_configurations_are_kept_and_checked(server, stores):
    store = create(stores, "enriched")
    get = lambda: body(stores.get_event_configuration(EventDataStore=id_of(store)))
    assert get() == {"EventDataStoreArn": store["EventDataStoreArn"], "MaxEventSize": "Standard", "ContextKeySelectors": []}
    keys = [{"Type": "TagContext", "Equals": ["team"]}, {"Type": "RequestContext", "Equals": ["aws:PrincipalArn"]}]
    with refused("InvalidParameterCombinationException"):
        stores.put_event_configuration(EventDataStore=id_of(store), ContextKeySelectors=keys)
    put = stores.put_event_configuration(EventDataStore=id_of(store), MaxEventSize="Large", ContextKeySelectors=keys)
    assert body(put) == get() == {"EventDataStoreArn": store["EventDataStoreArn"], "MaxEventSize": "Large", "ContextKeySelectors": keys}
    with refused("InvalidParameterCombinationException"):
        stores.put_event_configuration(EventDataStore=id_of(store), MaxEventSize="Standard")
    for bad in ([keys[0], keys[0]], [{"Type": "RequestContext", "Equals": ["aws:Secret"]}], [{"Type": "TagContext", "Equals": ["k" * 129]}]):
        with refused("InvalidParameterException"):
            stores.put_event_configuration(EventDataStore=id_of(store), MaxEventSize="Large", ContextKeySelectors=bad)
    with refused("InvalidParameterException"):
        stores.put_event_configuration(EventDataStore=id_of(store))
    with refused("InvalidParameterCombinationException"):
        stores.get_event_configuration(EventDataStore=id_of(store), TrailName="main")
    with refused("InvalidParameterException"):
        stores.get_event_configuration()
    insight = create(stores, "insight", AdvancedEventSelectors=[selector([{"Field": "eventCategory", "Equals": ["Insight"]}])])
    with refused("InvalidEventDataStoreCategoryException"):
        stores.put_event_configuration(EventDataStore=id_of(insight), MaxEventSize="Large")
    with refused("InvalidEventDataStoreCategoryException"):
        stores.get_event_configuration(EventDataStore=id_of(insight))


def test_trails_have_event_configurations_too(server, stores):
    server.client("s3", "eu-west-1").create_bucket(Bucket="configured", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    arn = stores.create_trail(Name="configured", S3BucketName="configured")["TrailARN"]
    assert stores.get_event_configuration(TrailName="configured")["TrailARN"] == arn
    with refused("InvalidParameterCombinationException"):
        stores.put_event_configuration(TrailName="configured", MaxEventSize="Large")
    put = stores.put_event_configuration(TrailName="configured", AggregationConfigurations=[])
    assert body(put) == {"TrailARN": arn, "AggregationConfigurations": []}
    with refused("TrailNotFoundException"):
        stores.get_event_configuration(TrailName="unknown")
    stores.delete_trail(Name=arn)


# --- events ---


def test_a_store_gets_the_live_events_it_selects(server, stores):
    everywhere = create(stores, "everywhere")
    here = create(stores, "here", MultiRegionEnabled=False)
    objects = create(stores, "objects", AdvancedEventSelectors=[selector(OBJECTS)])
    stopped = create(stores, "stopped", StartIngestion=False)
    resources = [{"type": "AWS::S3::Object", "ARN": "arn:aws:s3:::b/k"}]
    sent = [event("live-1"), event("live-2", awsRegion="us-west-2"), event("live-3", "Data", resources=resources)]
    assert send(server, sent)["accepted"] == 3
    assert send(server, sent)["duplicates"] == 3
    has(stores, everywhere, 2)
    has(stores, here, 1)
    has(stores, objects, 1)
    has(stores, stopped, 0)


def test_what_was_acknowledged_before_a_stop_is_kept_through_a_crash(make_server):
    server = make_server()
    client = server.client("cloudtrail", "eu-west-1")
    store = create(client, "stopping")
    send(server, [event(f"before-{number}") for number in range(20)])
    client.stop_event_data_store_ingestion(EventDataStore=id_of(store))
    send(server, [event(f"after-{number}") for number in range(20)])
    settled(client, store, "STOPPED_INGESTION")
    has(client, store, 20)
    server.kill()
    server.start()
    has(client, store, 20)
    assert rows(client, store, "eventID LIKE 'after-%'") == 0
    client.start_event_data_store_ingestion(EventDataStore=id_of(store))
    settled(client, store)
    send(server, [event("again")])
    has(client, store, 21)


def test_a_deleted_store_has_everything_when_it_is_restored(stores, server):
    store = create(stores, "restored", TerminationProtectionEnabled=False)
    send(server, [event("kept-1")])
    stores.delete_event_data_store(EventDataStore=id_of(store))
    send(server, [event("missed")])
    stores.restore_event_data_store(EventDataStore=id_of(store))
    send(server, [event("kept-2")])
    has(stores, store, 2)
    assert rows(stores, store, "eventID = 'missed'") == 0


def test_a_route_names_stores_by_name_id_or_arn(server, stores):
    one, two = create(stores, "route-one", StartIngestion=False), create(stores, "route-two")
    assert send(server, [event("routed-1"), event("routed-2", "Data")], f"store:{id_of(one)}")["accepted"] == 2
    has(stores, one, 2)
    assert send(server, [event("routed-1"), event("routed-3")], "store:route-one", region="eu-west-1")["accepted"] == 2
    has(stores, one, 3)
    answer = send(server, [event("routed-1")], f"history,store:{one['EventDataStoreArn']},store:route-two")
    assert answer["accepted"] == 1, "event history did not have it"
    has(stores, two, 1)
    has(stores, one, 3)
    for bad in ("store:unknown", f"store:{UNKNOWN}", "store:"):
        answer = post_events(server, [event("x")], query=f"?route={quote(bad)}")
        assert (answer.status, answer.code) == (400, "EventDataStoreNotFoundException")
    answer = post_events(server, [event("x")], query=f"?route=store%3A{id_of(one)}", keys=tuple(OTHER_ROOT.values()))
    assert answer.code == "EventDataStoreNotFoundException", "it is another account's"


def test_events_older_than_the_retention_are_not_kept(server, stores):
    store = create(stores, "week", RetentionPeriod=7)
    answer = send(server, [event("old", age=8 * DAY), event("young", age=6 * DAY)], f"store:{id_of(store)}")
    assert (answer["accepted"], answer["expired"]) == (1, 1)
    has(stores, store, 1)


def test_large_events_go_to_large_stores_alone(server, stores):
    large, usual = create(stores, "large"), create(stores, "usual")
    big = lambda event_id, size=600_000: event(event_id, requestParameters={"blob": "x" * size})
    [rejected] = send(server, [big("big-1")])["rejected"]
    assert rejected["code"] == "TooLarge"
    stores.put_event_configuration(EventDataStore=id_of(large), MaxEventSize="Large")
    assert send(server, [big("big-1"), event("small-1")])["accepted"] == 2
    has(stores, large, 2)
    has(stores, usual, 1)
    assert send(server, [big("big-1")])["duplicates"] == 1
    [rejected] = send(server, [big("big-2", 1_100_000)])["rejected"]
    assert rejected["code"] == "TooLarge"
    [rejected] = send(server, [big("big-3")], "history,trails")["rejected"]
    assert rejected["code"] == "TooLarge"
    found = server.client("cloudtrail", "eu-west-1").lookup_events(LookupAttributes=[{"AttributeKey": "EventId", "AttributeValue": "big-1"}])
    assert found["Events"] == []


def test_an_import_goes_to_history_and_the_default_store(make_server, tmp_path):
    server = make_server()
    client = server.client("cloudtrail")
    [default] = client.list_event_data_stores()["EventDataStores"]
    named = create(client, "named")
    records = [event("imported-1", age=400 * DAY), event("imported-2", "Data", age=400 * DAY)]
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "one.json").write_text(json.dumps({"Records": records}))
    done = server.trailkeep("import", str(tmp_path / "logs"), "--output", "json")
    assert done.returncode == 0, done.stderr
    has(client, default, 2)
    has(client, named, 0)
    done = server.trailkeep("import", str(tmp_path / "logs"), "--event-data-store", "named", "--output", "json")
    assert done.returncode == 0, done.stderr
    has(client, named, 0)
    client.update_event_data_store(EventDataStore=id_of(named), RetentionPeriod=500)
    for _ in range(2):
        done = server.trailkeep("import", str(tmp_path / "logs"), "--event-data-store", "named", "--no-resume")
        assert done.returncode == 0, done.stderr
        has(client, named, 2)
    done = server.trailkeep("import", str(tmp_path / "logs"), "--event-data-store", "unknown")
    assert done.returncode == 1 and "EventDataStoreNotFoundException" in done.stderr


def test_calls_on_stores_are_recorded(server, stores):
    store = create(stores, "recorded")
    found = eventually(lambda: [
        json.loads(found["CloudTrailEvent"]) for found in
        stores.lookup_events(LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": "CreateEventDataStore"}])["Events"]
        if '"recorded"' in found["CloudTrailEvent"]
    ])
    assert found[0]["responseElements"]["eventDataStoreArn"] == store["EventDataStoreArn"] and found[0]["readOnly"] is False
