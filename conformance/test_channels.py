"""Channels: made, changed, listed, deleted, tagged; and what they refuse."""

import json
import re
import sqlite3
import uuid

import pytest

from conftest import Server, eventually
from integrations import ACCOUNT, CONFIG, OTHER, OTHER_ROOT, activity, entry, make_channel, make_store, policy, selectors, statement, to
from wire import refused

ARN = re.compile(rf"arn:aws:cloudtrail:us-east-1:{ACCOUNT}:channel/[0-9a-f]{{8}}-([0-9a-f]{{4}}-){{3}}[0-9a-f]{{12}}")
NOWHERE = f"arn:aws:cloudtrail:us-east-1:{ACCOUNT}:channel/{uuid.uuid4()}"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("server"), config=CONFIG).start()
    yield server
    server.kill()


@pytest.fixture(scope="module")
def client(server):
    return server.client("cloudtrail")


@pytest.fixture(scope="module")
def stores(server):
    return [make_store(server, f"activity-{nth}") for nth in range(3)]


def members(answer):
    return {key: value for key, value in answer.items() if key != "ResponseMetadata"}


def test_a_channel_is_made_read_changed_and_deleted(client, stores):
    tags = [{"Key": "team", "Value": "payments"}, {"Key": "bare"}]
    made = members(client.create_channel(Name="shop", Source="Custom", Destinations=to(stores[0], stores[1].rsplit("/")[1]), Tags=tags))
    arn = made["ChannelArn"]
    assert ARN.fullmatch(arn)
    assert made == {"ChannelArn": arn, "Name": "shop", "Source": "Custom", "Destinations": to(*stores[:2]), "Tags": tags}
    expected = {"ChannelArn": arn, "Name": "shop", "Source": "Custom", "Destinations": to(*stores[:2])}
    for name in (arn, arn.rsplit("/")[1]):
        assert members(client.get_channel(Channel=name)) == expected, "nothing was put in: there is no IngestionStatus"
    assert client.list_tags(ResourceIdList=[arn])["ResourceTagList"] == [{"ResourceId": arn, "TagsList": tags}]

    changed = members(client.update_channel(Channel=arn.rsplit("/")[1], Name="shop.2", Destinations=to(stores[2])))
    assert changed == {"ChannelArn": arn, "Name": "shop.2", "Source": "Custom", "Destinations": to(stores[2])}
    assert members(client.update_channel(Channel=arn, Destinations=to(stores[0])))["Name"] == "shop.2"
    assert members(client.update_channel(Channel=arn, Name="shop.2"))["Destinations"] == to(stores[0])
    assert members(client.get_channel(Channel=arn)) == {**expected, "Name": "shop.2", "Destinations": to(stores[0])}

    assert members(client.delete_channel(Channel=arn)) == {}
    with refused("ChannelNotFoundException", arn):
        client.get_channel(Channel=arn)
    with refused("ResourceNotFoundException"):
        client.list_tags(ResourceIdList=[arn])


def test_the_cli_makes_and_lists_channels(server, stores):
    location = json.dumps([{"Type": "EVENT_DATA_STORE", "Location": stores[0]}])
    made = server.aws("cloudtrail", "create-channel", "--name", "from-cli", "--source", "Custom", "--destinations", location, "--tags", "Key=a,Value=b")
    arn = made["ChannelArn"]
    assert server.aws("cloudtrail", "get-channel", "--channel", arn)["Name"] == "from-cli"
    assert {"ChannelArn": arn, "Name": "from-cli"} in server.aws("cloudtrail", "list-channels")["Channels"]
    assert server.aws("cloudtrail", "update-channel", "--channel", arn, "--name", "renamed")["Name"] == "renamed"
    server.aws("cloudtrail", "delete-channel", "--channel", arn)
    assert "ChannelNotFoundException" in server.aws("cloudtrail", "get-channel", "--channel", arn, check=False).stderr


def test_channels_are_listed_in_order_on_pages(server, client, stores):
    made = {f"page-{letter}": make_channel(server, f"page-{letter}", stores[0]) for letter in "cabd"}
    expected = [{"ChannelArn": made[name], "Name": name} for name in sorted(made)]
    assert members(client.list_channels()) == {"Channels": expected}
    first = client.list_channels(MaxResults=3)
    assert first["Channels"] == expected[:3]
    second = client.list_channels(MaxResults=3, NextToken=first["NextToken"])
    assert members(second) == {"Channels": expected[3:]}
    assert client.list_channels(MaxResults=4).get("NextToken") is None
    for token in ["made-up", first["NextToken"][:-4] + "AAAA", first["NextToken"].split(".")[0]]:
        with refused("InvalidNextTokenException"):
            client.list_channels(NextToken=token)
    with refused("InvalidNextTokenException"):
        server.client("cloudtrail", **OTHER_ROOT).list_channels(NextToken=first["NextToken"])
    for arn in made.values():
        client.delete_channel(Channel=arn)


def test_a_channel_is_its_accounts_and_its_regions(server, client, stores):
    arn = make_channel(server, "walls", stores[0])
    for foreign in [server.client("cloudtrail", "eu-west-1"), server.client("cloudtrail", **OTHER_ROOT)]:
        assert foreign.list_channels()["Channels"] == []
        for method, arguments in [("get_channel", {}), ("update_channel", {"Name": "mine"}), ("delete_channel", {})]:
            with refused("ChannelNotFoundException"):
                getattr(foreign, method)(Channel=arn, **arguments)
            with refused("ChannelNotFoundException"):
                getattr(foreign, method)(Channel=arn.rsplit("/")[1], **arguments)
        with refused("EventDataStoreNotFoundException"):
            foreign.create_channel(Name="walls", Source="Custom", Destinations=to(stores[0]))
        with refused("EventDataStoreNotFoundException"):
            foreign.create_channel(Name="walls", Source="Custom", Destinations=to(stores[0].rsplit("/")[1]))
    client.delete_channel(Channel=arn)


@pytest.mark.parametrize("channel, code", [
    ("no-such-id", "ChannelNotFoundException"), (str(uuid.uuid4()), "ChannelNotFoundException"), (NOWHERE, "ChannelNotFoundException"),
    (NOWHERE.replace("channel/", "trail/"), "ChannelARNInvalidException"), (NOWHERE + "0", "ChannelARNInvalidException"),
    ("arn:aws:s3:::bucket", "ChannelARNInvalidException"), ("has space", "ChannelARNInvalidException"), ("a" * 257, "ChannelARNInvalidException"),
])
def test_names_of_channels_that_are_none_are_refused(client, channel, code):
    for method, arguments in [("get_channel", {}), ("update_channel", {"Name": "abc"}), ("delete_channel", {})]:
        with refused(code):
            getattr(client, method)(Channel=channel, **arguments)


@pytest.mark.parametrize("changes, code", [
    ({"Name": "ab"}, None), ({"Name": "a" * 129}, "InvalidParameterException"), ({"Name": "with/slash"}, "InvalidParameterException"),
    ({"Name": "with space"}, "InvalidParameterException"), ({"Source": "a" * 257}, "InvalidSourceException"),
    ({"Source": "CloudTrail"}, "InvalidSourceException"), ({"Source": "custom"}, "InvalidSourceException"), ({"Source": " Okta"}, "InvalidSourceException"),
    ({"Destinations": []}, None), ({"Destinations": to(*[str(uuid.uuid4())] * 201)}, "InvalidParameterException"),
    ({"Destinations": to(str(uuid.uuid4()))}, "EventDataStoreNotFoundException"),
    ({"Destinations": to(NOWHERE)}, "EventDataStoreARNInvalidException"),
    ({"Destinations": to(NOWHERE.replace("channel/", "eventdatastore/"))}, "EventDataStoreNotFoundException"),
    ({"Destinations": to(NOWHERE.replace("channel/", "eventdatastore/x"))}, "EventDataStoreARNInvalidException"),
    ({"Destinations": to("arn:aws:cloudtrail:*:*:eventdatastore/*")}, "EventDataStoreARNInvalidException"),
    ({"Destinations": [{"Type": "AWS_SERVICE", "Location": "detective"}]}, "InvalidParameterException"),
    ({"Destinations": [{"Type": "BUCKET", "Location": "bucket"}]}, "InvalidParameterException"),
    ({"Tags": [{"Key": "aws:reserved", "Value": "v"}]}, "InvalidTagParameterException"),
    ({"Tags": [{"Key": "a", "Value": "1"}, {"Key": "a", "Value": "2"}]}, "InvalidTagParameterException"),
    ({"Tags": [{"Key": f"k{nth}"} for nth in range(51)]}, "TagsLimitExceededException"),
    ({"Tags": [{"Key": f"k{nth}"} for nth in range(201)]}, "InvalidTagParameterException"),
])
def test_what_makes_no_channel_is_refused_by_its_code(client, stores, changes, code):
    arguments = {"Name": "refused", "Source": "Custom", "Destinations": to(stores[0]), **changes}
    if code is None:
        # botocore itself refuses what is too short.
        pytest.raises(Exception, client.create_channel, **arguments)
    else:
        with refused(code):
            client.create_channel(**arguments)
    assert client.list_channels()["Channels"] == []


def test_destinations_are_stores_for_such_events_that_are_at_work(server, client, stores):
    with refused("InvalidParameterException", "twice"):
        make_channel(server, "twice", stores[0], stores[0].rsplit("/")[1])
    management = make_store(server, "management", category="Management")
    with refused("InvalidEventDataStoreCategoryException"):
        make_channel(server, "category", stores[0], management)
    stopped = make_store(server, "stopped", StartIngestion=False)
    with refused("InactiveEventDataStoreException"):
        make_channel(server, "stopped", stopped)
    deleted = make_store(server, "deleted")
    client.delete_event_data_store(EventDataStore=deleted)
    with refused("InactiveEventDataStoreException"):
        make_channel(server, "deleted", deleted)
    arn = make_channel(server, "good", stores[0])
    for store, code in [(management, "InvalidEventDataStoreCategoryException"), (deleted, "InactiveEventDataStoreException"), ("none", "EventDataStoreNotFoundException")]:
        with refused(code):
            client.update_channel(Channel=arn, Destinations=to(store))
    with refused("InvalidParameterException"):
        client.update_channel(Channel=arn)
    assert client.get_channel(Channel=arn)["Destinations"] == to(stores[0])
    client.delete_channel(Channel=arn)


def test_names_and_partners_are_had_once_and_custom_sources_often(server, client, stores):
    first, second = (make_channel(server, name, stores[0], source=source) for name, source in [("one", "Custom"), ("two", "Okta")])
    third = make_channel(server, "three", stores[0])
    with refused("ChannelAlreadyExistsException", "name one"):
        make_channel(server, "one", stores[0], source="Wiz")
    with refused("ChannelAlreadyExistsException", "source Okta"):
        make_channel(server, "four", stores[0], source="Okta")
    with refused("ChannelAlreadyExistsException"):
        client.update_channel(Channel=third, Name="two")
    # Elsewhere both are free.
    elsewhere = make_store(server, "elsewhere", "eu-west-1")
    make_channel(server, "two", elsewhere, source="Okta", region="eu-west-1")
    client.delete_channel(Channel=second)
    again = make_channel(server, "two", stores[0], source="Okta")
    assert again != second
    for arn in (first, third, again):
        client.delete_channel(Channel=arn)


def test_there_are_25_channels_in_a_region(server, client, stores):
    made = [make_channel(server, f"quota-{nth}", stores[0]) for nth in range(25)]
    with refused("ChannelMaxLimitExceededException", "25"):
        make_channel(server, "one-too-many", stores[0])
    client.delete_channel(Channel=made.pop())
    made.append(make_channel(server, "one-again", stores[0]))
    for arn in made:
        client.delete_channel(Channel=arn)


def test_a_store_that_channels_lead_to_is_not_deleted(server, client):
    store, other = make_store(server, "held"), make_store(server, "other")
    arn = make_channel(server, "holding", store, other)
    with refused("ChannelExistsForEDSException"):
        client.delete_event_data_store(EventDataStore=store)
    client.update_channel(Channel=arn, Destinations=to(other))
    client.delete_event_data_store(EventDataStore=store)
    client.delete_channel(Channel=arn)
    client.delete_event_data_store(EventDataStore=other)


def test_channels_bear_tags(server, client, stores):
    arn = make_channel(server, "tagged", stores[0], Tags=[{"Key": "a", "Value": "1"}])
    client.add_tags(ResourceId=arn, TagsList=[{"Key": "b", "Value": "2"}, {"Key": "a", "Value": "3"}])
    client.remove_tags(ResourceId=arn, TagsList=[{"Key": "b"}])
    assert client.list_tags(ResourceIdList=[arn])["ResourceTagList"][0]["TagsList"] == [{"Key": "a", "Value": "3"}]
    with refused("TagsLimitExceededException"):
        client.add_tags(ResourceId=arn, TagsList=[{"Key": f"k{nth}"} for nth in range(50)])
    for foreign in [server.client("cloudtrail", "eu-west-1"), server.client("cloudtrail", **OTHER_ROOT)]:
        with refused("ChannelNotFoundException"):
            foreign.add_tags(ResourceId=arn, TagsList=[{"Key": "x"}])
    with refused("ChannelNotFoundException"):
        client.remove_tags(ResourceId=NOWHERE, TagsList=[{"Key": "x"}])
    with refused("ChannelARNInvalidException"):
        client.add_tags(ResourceId=NOWHERE + "x", TagsList=[{"Key": "x"}])
    client.delete_channel(Channel=arn)


def test_channels_and_what_hangs_on_them_outlive_a_restart(make_server):
    server = make_server(config=CONFIG)
    client, data = server.client("cloudtrail"), server.client("cloudtrail-data")
    store = make_store(server, "kept")
    arn = make_channel(server, "kept", store, Tags=[{"Key": "a"}])
    client.put_resource_policy(ResourceArn=arn, ResourcePolicy=policy(statement(arn)))
    put = data.put_audit_events(channelArn=arn, auditEvents=[entry("a"), entry("b", "nothing")])
    status = client.get_channel(Channel=arn)
    assert status["IngestionStatus"]["LatestIngestionSuccessEventID"] == put["successful"][0]["eventID"]
    assert status["IngestionStatus"]["LatestIngestionErrorCode"] == "InvalidData"
    for end in (server.stop, server.kill):
        end()
        server.start()
        assert members(client.get_channel(Channel=arn)) == members(status)
        assert client.list_tags(ResourceIdList=[arn])["ResourceTagList"][0]["TagsList"] == [{"Key": "a"}]
        assert client.get_resource_policy(ResourceArn=arn)["ResourcePolicy"] == policy(statement(arn))
        assert server.client("cloudtrail-data", **OTHER_ROOT).put_audit_events(channelArn=arn, auditEvents=[entry()])["failed"] == []
        eventually(lambda: client.get_channel(Channel=arn)["IngestionStatus"] != status["IngestionStatus"])
        status = client.get_channel(Channel=arn)
        written = lambda: rows(server, "SELECT success_event_id FROM channel_ingestion")[0][0] == status["IngestionStatus"]["LatestIngestionSuccessEventID"]
        eventually(written)


def rows(server, statement, *values):
    """Looks into the catalog, or writes what no call of the API can."""
    connection = sqlite3.connect(server.data / "catalog.sqlite", timeout=10)
    try:
        with connection:
            return connection.execute(statement, values).fetchall()
    finally:
        connection.close()


def test_a_service_linked_channel_is_shown_and_is_not_changed(make_server):
    server = make_server(config=CONFIG)
    client = server.client("cloudtrail")
    name, arn = "aws-service-channel/detective/example", f"arn:aws:cloudtrail:us-east-1:{ACCOUNT}:channel/{uuid.uuid4()}"
    store = make_store(server, "activity")
    integration = make_channel(server, "mine", store)
    server.stop()
    chosen = selectors("Management")
    config = json.dumps({"apply_to_all_regions": True, "advanced_event_selectors": chosen})
    columns = "arn, account, region, name, source, source_config, created_at_us, updated_at_us"
    rows(server, f"INSERT INTO channels ({columns}) VALUES (?, ?, 'us-east-1', ?, 'CloudTrail', ?, 1, 1)", arn, ACCOUNT, name, config)
    rows(server, "INSERT INTO channel_destinations SELECT id, 0, 'AWS_SERVICE', 'detective' FROM channels WHERE arn = ?", arn)
    server.start()
    assert client.list_channels()["Channels"] == [{"ChannelArn": arn, "Name": name}, {"ChannelArn": integration, "Name": "mine"}]
    assert members(client.get_channel(Channel=arn)) == {
        "ChannelArn": arn, "Name": name, "Source": "CloudTrail", "SourceConfig": {"ApplyToAllRegions": True, "AdvancedEventSelectors": chosen},
        "Destinations": [{"Type": "AWS_SERVICE", "Location": "detective"}],
    }
    for method, arguments in [
        ("update_channel", {"Channel": arn, "Name": "mine-now"}), ("delete_channel", {"Channel": arn}),
        ("put_resource_policy", {"ResourceArn": arn, "ResourcePolicy": policy(statement(arn))}), ("add_tags", {"ResourceId": arn, "TagsList": [{"Key": "a"}]}),
    ]:
        with refused("OperationNotPermittedException"):
            getattr(client, method)(**arguments)
    with refused("ChannelUnsupportedSchema"):
        server.client("cloudtrail-data").put_audit_events(channelArn=arn, auditEvents=[entry(data=activity())])
    # It does not count.
    for nth in range(24):
        make_channel(server, f"more-{nth}", store)
    with refused("ChannelMaxLimitExceededException"):
        make_channel(server, "one-too-many", store)


def test_sources_can_be_confined(make_server):
    server = make_server(config=CONFIG + '[channels]\nsources = ["Okta"]\none_custom = true\n')
    store = make_store(server, "activity")
    make_channel(server, "okta", store, source="Okta")
    make_channel(server, "custom", store)
    with refused("InvalidSourceException"):
        make_channel(server, "wiz", store, source="Wiz")
    with refused("ChannelAlreadyExistsException", "source Custom"):
        make_channel(server, "custom-2", store)


def test_regions_that_are_not_enabled_have_no_channels(make_server):
    server = make_server("--regions", "us-east-1,eu-west-1", config=CONFIG)
    with refused("UnsupportedOperationException", "ap-south-1"):
        make_channel(server, "far", str(uuid.uuid4()), region="ap-south-1")
