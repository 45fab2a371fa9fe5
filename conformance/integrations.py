"""Stores and channels for events of other sources, and such events."""

import json

from conftest import eventually
from wire import ACCOUNT

OTHER = "210987654321"
OTHER_KEYS = ("AKIAOTHEROTHEROTHER1", "other-secret")
OTHER_ROOT = dict(zip(["aws_access_key_id", "aws_secret_access_key"], OTHER_KEYS))
THIRD = "333333333333"
THIRD_ROOT = {"aws_access_key_id": "AKIATHIRDTHIRDTHIRD1", "aws_secret_access_key": "third-secret"}
CONFIG = f"""
[[account]]
id = "{OTHER}"
access_key_id = "{OTHER_KEYS[0]}"
secret_access_key = "{OTHER_KEYS[1]}"
[[account]]
id = "{THIRD}"
access_key_id = "AKIATHIRDTHIRDTHIRD1"
secret_access_key = "third-secret"
"""


def selectors(*categories):
    return [{"Name": name, "FieldSelectors": [{"Field": "eventCategory", "Equals": [name]}]} for name in categories]


def make_store(server, name, region="us-east-1", category="ActivityAuditLog", settings=None, **arguments):
    """An event data store that is at work; returns its ARN."""
    client = server.client("cloudtrail", region, **(settings or {}))
    arguments = {"MultiRegionEnabled": False, "TerminationProtectionEnabled": False, "AdvancedEventSelectors": selectors(category), **arguments}
    arn = client.create_event_data_store(Name=name, **arguments)["EventDataStoreArn"]
    wanted = "ENABLED" if arguments.get("StartIngestion", True) else "STOPPED_INGESTION"
    eventually(lambda: client.get_event_data_store(EventDataStore=arn)["Status"] == wanted)
    return arn


def to(*stores):
    return [{"Type": "EVENT_DATA_STORE", "Location": store} for store in stores]


def make_channel(server, name, *stores, source="Custom", region="us-east-1", settings=None, **arguments):
    client = server.client("cloudtrail", region, **(settings or {}))
    return client.create_channel(Name=name, Source=source, Destinations=to(*stores), **arguments)["ChannelArn"]


def activity(**members):
    """The data of an event that is complete; a member that is None is left out."""
    whole = {
        "version": "1.0", "userIdentity": {"type": "CustomUserIdentity", "principalId": "dana", "details": {"team": "payments"}},
        "userAgent": "shop/1.0", "eventSource": "shop.example.com", "eventName": "RefundIssued", "eventTime": "2026-11-20T10:00:00Z",
        "UID": "uid-1", "requestParameters": {"order": "o-1"}, "sourceIPAddress": "192.0.2.7", "recipientAccountId": ACCOUNT, **members,
    }
    return {key: value for key, value in whole.items() if value is not None}


def entry(id="e-1", data=None, **members):
    data = data if isinstance(data, str) else json.dumps(activity() if data is None else data)
    return {"id": id, "eventData": data, **members}


def statement(channel, principals=(OTHER,), external_id=None, **members):
    """A statement of a channel's policy."""
    whole = {
        "Effect": "Allow", "Principal": {"AWS": [f"arn:aws:iam::{account}:root" for account in principals]},
        "Action": "cloudtrail-data:PutAuditEvents", "Resource": channel, **members,
    }
    if external_id:
        whole["Condition"] = {"StringEquals": {"cloudtrail:ExternalId": external_id}}
    return whole


def policy(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def ask(server, statement, settings=None):
    """The values of all rows of an SQL statement."""
    client = server.client("cloudtrail", **(settings or {}))
    query_id = client.start_query(QueryStatement=statement)["QueryId"]
    told = eventually(lambda: (lambda told: told if told["QueryStatus"] not in ("QUEUED", "RUNNING") else None)(client.describe_query(QueryId=query_id)), 60)
    assert told["QueryStatus"] == "FINISHED", told
    rows, token = [], {}
    while True:
        page = client.get_query_results(QueryId=query_id, **token)
        rows += [[next(iter(cell.values())) for cell in row] for row in page["QueryResultRows"]]
        if not page.get("NextToken"):
            return rows
        token = {"NextToken": page["NextToken"]}
