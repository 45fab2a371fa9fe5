"""Resource policies of channels and event data stores: attached, read, taken away; and which are not acceptable."""

import json
import uuid

import pytest

from conftest import Server
from integrations import ACCOUNT, CONFIG, OTHER, OTHER_ROOT, make_channel, make_store, policy, statement
from wire import refused

DASHBOARD = f"arn:aws:cloudtrail:us-east-1:{ACCOUNT}:dashboard/one"
ID = uuid.uuid4()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("server"), config=CONFIG).start()
    yield server
    server.kill()


@pytest.fixture(scope="module")
def client(server):
    return server.client("cloudtrail")


@pytest.fixture(scope="module")
def store(server):
    return make_store(server, "activity")


@pytest.fixture(scope="module")
def channel(server, store):
    return make_channel(server, "channel", store)


def queries(store, **members):
    """A statement of a store's policy."""
    return {
        "Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{OTHER}:root"}, "Action": ["cloudtrail:StartQuery", "cloudtrail:GetQueryResults"],
        "Resource": store, **members,
    }


def refreshes(**members):
    """A statement of a store's policy that lets dashboards query it; as in AWS's guide, without Resource."""
    conditions = {"StringLike": {"AWS:SourceArn": [DASHBOARD, DASHBOARD.replace("one", "*")], "AWS:SourceAccount": ACCOUNT}}
    return {"Effect": "Allow", "Principal": {"Service": "cloudtrail.amazonaws.com"}, "Action": "cloudtrail:StartQuery", "Condition": conditions, **members}


def test_a_policy_is_attached_read_as_given_and_taken_away(server, client, channel, store):
    for arn, text in [(channel, policy(statement(channel)) + "\n"), (store, policy(queries(store)).replace(":", " : ", 1))]:
        with refused("ResourcePolicyNotFoundException"):
            client.get_resource_policy(ResourceArn=arn)
        with refused("ResourcePolicyNotFoundException"):
            client.delete_resource_policy(ResourceArn=arn)
        put = client.put_resource_policy(ResourceArn=arn, ResourcePolicy=text)
        got = client.get_resource_policy(ResourceArn=arn)
        for answer in (put, got):
            assert {key: answer[key] for key in answer if key != "ResponseMetadata"} == {"ResourceArn": arn, "ResourcePolicy": text}
        other = text.replace("Allow", "Deny")
        client.put_resource_policy(ResourceArn=arn, ResourcePolicy=other)
        assert client.get_resource_policy(ResourceArn=arn)["ResourcePolicy"] == other
        client.delete_resource_policy(ResourceArn=arn)
        with refused("ResourcePolicyNotFoundException"):
            client.get_resource_policy(ResourceArn=arn)


def test_the_cli_attaches_a_policy_from_a_file(server, channel, tmp_path):
    file = tmp_path / "policy.json"
    file.write_text(json.dumps(json.loads(policy(statement(channel))), indent=2))
    server.aws("cloudtrail", "put-resource-policy", "--resource-arn", channel, "--resource-policy", f"file://{file}")
    assert server.aws("cloudtrail", "get-resource-policy", "--resource-arn", channel)["ResourcePolicy"] == file.read_text()
    server.aws("cloudtrail", "delete-resource-policy", "--resource-arn", channel)


@pytest.mark.parametrize("arn, code", [
    (f"arn:aws:cloudtrail:us-east-1:{ACCOUNT}:channel/{ID}", "ResourceNotFoundException"),
    (f"arn:aws:cloudtrail:us-east-1:{ACCOUNT}:eventdatastore/{ID}", "ResourceNotFoundException"),
    (f"arn:aws:cloudtrail:us-east-1:{ACCOUNT}:channel/one", "ResourceARNNotValidException"),
    (f"arn:aws:cloudtrail:us-east-1:{ACCOUNT}:eventdatastore/one", "ResourceARNNotValidException"),
    (f"arn:aws:cloudtrail:us-east-1:{ACCOUNT}:channel", "ResourceARNNotValidException"),
    ("arn:aws:s3:us-east-1:123456789012:bucket", "ResourceARNNotValidException"), (str(ID), "ResourceARNNotValidException"),
    ("not an arn", "ResourceARNNotValidException"), ("a" * 257, "ResourceARNNotValidException"),
    (f"arn:aws:cloudtrail:us-east-1:{ACCOUNT}:trail/audit", "ResourceTypeNotSupportedException"), (DASHBOARD, "ResourceTypeNotSupportedException"),
])
def test_resources_that_have_no_policies_are_refused(client, arn, code):
    with refused(code):
        client.put_resource_policy(ResourceArn=arn, ResourcePolicy=policy(statement(arn)))
    for method in (client.get_resource_policy, client.delete_resource_policy):
        with refused(code):
            method(ResourceArn=arn)


def test_policies_are_of_ones_own_resources_here(server, client, channel, store):
    for arn, text in [(channel, policy(statement(channel, [OTHER]))), (store, policy(queries(store)))]:
        client.put_resource_policy(ResourceArn=arn, ResourcePolicy=text)
        for foreign in [server.client("cloudtrail", "eu-west-1"), server.client("cloudtrail", **OTHER_ROOT)]:
            with refused("ResourceNotFoundException"):
                foreign.put_resource_policy(ResourceArn=arn, ResourcePolicy=text)
            for method in (foreign.get_resource_policy, foreign.delete_resource_policy):
                with refused("ResourceNotFoundException"):
                    method(ResourceArn=arn)
        client.delete_resource_policy(ResourceArn=arn)


CHANNEL_REFUSALS = {
    "everyone": lambda arn: [statement(arn, Principal="*")],
    "everyone of AWS": lambda arn: [statement(arn, Principal={"AWS": "*"})],
    "a service": lambda arn: [statement(arn, Principal={"Service": "cloudtrail.amazonaws.com"})],
    "a bad principal": lambda arn: [statement(arn, Principal={"AWS": "arn:aws:iam::12:root"})],
    "no principal": lambda arn: [{key: value for key, value in statement(arn).items() if key != "Principal"}],
    "another action": lambda arn: [statement(arn, Action="cloudtrail:StartQuery")],
    "more actions": lambda arn: [statement(arn, Action=["cloudtrail-data:PutAuditEvents", "cloudtrail:GetChannel"])],
    "any action": lambda arn: [statement(arn, Action="cloudtrail-data:*")],
    "another resource": lambda arn: [statement(arn[:-1] + "0" if arn[-1] != "0" else arn[:-1] + "1")],
    "any resource": lambda arn: [statement("*")],
    "no resource": lambda arn: [{key: value for key, value in statement(arn).items() if key != "Resource"}],
    "another condition": lambda arn: [statement(arn, Condition={"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}})],
    "a loose external id": lambda arn: [statement(arn, Condition={"StringLike": {"cloudtrail:ExternalId": "a*"}})],
    "a short external id": lambda arn: [statement(arn, external_id="a")],
    "an external id with a space": lambda arn: [statement(arn, external_id="a b")],
    "an effect": lambda arn: [statement(arn, Effect="Perhaps")],
    "21 statements": lambda arn: [statement(arn)] * 21,
    "51 principals": lambda arn: [statement(arn, [OTHER] * 51)],
    "one bad statement": lambda arn: [statement(arn), statement(arn, Action="s3:GetObject")],
    "no statements": lambda arn: [],
}


@pytest.mark.parametrize("name", CHANNEL_REFUSALS)
def test_a_channels_policy_obeys_its_rules(client, channel, name):
    with refused("ResourcePolicyNotValidException"):
        client.put_resource_policy(ResourceArn=channel, ResourcePolicy=policy(*CHANNEL_REFUSALS[name](channel)))
    with refused("ResourcePolicyNotFoundException"):
        client.get_resource_policy(ResourceArn=channel)


@pytest.mark.parametrize("text", ["{", "[]", "{}", "null", "not json", '{"Version":"2012-10-17","Statement":{},"Statement":{}}', '{"Version":"2026-01-01","Statement":[]}', " " * 8193])
def test_what_is_no_policy_is_refused(client, channel, store, text):
    for arn in (channel, store):
        with refused("ResourcePolicyNotValidException"):
            client.put_resource_policy(ResourceArn=arn, ResourcePolicy=text)


def test_what_a_channels_policy_may_say_is_accepted(client, channel):
    users = [f"arn:aws:iam::{OTHER}:user/forwarder", f"arn:aws:iam::{OTHER}:role/path/forwarder", f"arn:aws:sts::{OTHER}:federated-user/dana", OTHER]
    for statements in [
        [statement(channel, Principal={"AWS": users})], [statement(channel, external_id="a.b_c+d=e,f@g:h/i-j")], [statement(channel)] * 20,
        [statement(channel, [OTHER] * 50)], [statement(channel), statement(channel, Effect="Deny", Sid="no")],
    ]:
        client.put_resource_policy(ResourceArn=channel, ResourcePolicy=policy(*statements))
    client.delete_resource_policy(ResourceArn=channel)


STORE_REFUSALS = {
    "everyone": {"Principal": "*"},
    "another service": {"Principal": {"Service": "s3.amazonaws.com"}, "Action": "cloudtrail:StartQuery"},
    "the service and others": {"Principal": {"Service": "cloudtrail.amazonaws.com", "AWS": OTHER}, "Action": "cloudtrail:StartQuery"},
    "the service for more": {"Principal": {"Service": "cloudtrail.amazonaws.com"}, "Action": ["cloudtrail:StartQuery", "cloudtrail:CancelQuery"]},
    "the service on a condition": {"Principal": {"Service": "cloudtrail.amazonaws.com"}, "Action": "cloudtrail:StartQuery", "Condition": {"StringEquals": {"aws:RequestedRegion": "us-east-1"}}},
    "another action": {"Action": "cloudtrail:DeleteEventDataStore"},
    "any action": {"Action": "cloudtrail:*"},
    "a channel's action": {"Action": "cloudtrail-data:PutAuditEvents"},
    "any resource": {"Resource": "*"},
    "a dashboard for others": {"Resource": DASHBOARD},
}


@pytest.mark.parametrize("name", STORE_REFUSALS)
def test_a_stores_policy_obeys_its_rules(client, store, name):
    with refused("ResourcePolicyNotValidException"):
        client.put_resource_policy(ResourceArn=store, ResourcePolicy=policy(queries(store, **STORE_REFUSALS[name])))


def test_what_a_stores_policy_may_say_is_accepted(client, store):
    actions = ["StartQuery", "CancelQuery", "ListQueries", "DescribeQuery", "GetQueryResults", "GenerateQuery", "GenerateQueryResultsSummary", "GetEventDataStore"]
    for statements in [
        [queries(store, Action=[f"cloudtrail:{action}" for action in actions])], [queries(store), refreshes()], [refreshes(Resource=store)],
        [refreshes(Resource=DASHBOARD.replace("one", "*"))], [queries(store), queries(store, Effect="Deny", Principal="*", Action="cloudtrail:CancelQuery")],
    ]:
        client.put_resource_policy(ResourceArn=store, ResourcePolicy=policy(*statements))
    client.delete_resource_policy(ResourceArn=store)


def test_a_policy_goes_with_its_channel_and_not_with_its_store_before_that_is_gone(server, client, store):
    arn = make_channel(server, "short-lived", store)
    client.put_resource_policy(ResourceArn=arn, ResourcePolicy=policy(statement(arn)))
    client.delete_channel(Channel=arn)
    with refused("ResourceNotFoundException"):
        client.get_resource_policy(ResourceArn=arn)

    leaving = make_store(server, "leaving")
    client.put_resource_policy(ResourceArn=leaving, ResourcePolicy=policy(queries(leaving)))
    client.delete_event_data_store(EventDataStore=leaving)
    with refused("ConflictException"):
        client.put_resource_policy(ResourceArn=leaving, ResourcePolicy=policy(queries(leaving)))
    with refused("ConflictException"):
        client.delete_resource_policy(ResourceArn=leaving)
    client.restore_event_data_store(EventDataStore=leaving)
    assert client.get_resource_policy(ResourceArn=leaving)["ResourcePolicy"] == policy(queries(leaving))
