"""Every operation of the API is either built or says that it is not; the list of the latter is true."""

import re

import botocore.session
import pytest
from botocore.exceptions import ClientError

from conftest import ROOT
from wire import refused

MISSING = (ROOT / "crates/server/src/control/missing.rs").read_text()
OPERATIONS = set(re.findall(r"^    Operation::(\w+),$", MISSING, re.M))
ARGUMENTS = set(re.findall(r'^    \(Operation::(\w+), "(\w+)"\),$', MISSING, re.M))
LOADER = botocore.session.get_session()
MODELS = {service: LOADER.get_service_model(service) for service in ["cloudtrail", "cloudtrail-data"]}
EVERY = [(service, name) for service, model in MODELS.items() for name in sorted(model.operation_names)]
# Values that patterns and the meaning of a member ask for; everything else the model says.
TEXTS = {
    "ChannelArn": "arn:aws:cloudtrail:us-east-1:123456789012:channel/c", "EventDataStoreArn": "arn:aws:cloudtrail:us-east-1:123456789012:eventdatastore/e",
    "DashboardArn": "arn:aws:cloudtrail:us-east-1:123456789012:dashboard/d", "ResourceArn": "arn:aws:cloudtrail:us-east-1:123456789012:channel/c",
    "UUID": "01234567-89ab-cdef-0123-456789abcdef", "RefreshId": "0123456789", "Location": "s3://b/AWSLogs", "DeliveryS3Uri": "s3://bucket/prefix",
    "FederationRoleArn": "arn:aws:iam::123456789012:role/r", "ResourcePolicy": "{}", "EventSource": "ec2.amazonaws.com",
}


def minimal(shape, path=""):
    """The least value that a shape takes."""
    if shape.type_name == "structure":
        return {name: minimal(shape.members[name], f"{path}.{name}") for name in shape.required_members}
    if shape.type_name in ("list", "map"):
        count = shape.metadata.get("min", 1)
        return [minimal(shape.member, path) for _ in range(count)] if shape.type_name == "list" else {}
    if shape.type_name == "string":
        return shape.enum[0] if getattr(shape, "enum", None) else TEXTS.get(shape.name, "a" * max(3, shape.metadata.get("min", 3)))
    return {"boolean": True, "timestamp": 0, "blob": b"a"}.get(shape.type_name, shape.metadata.get("min", 1))


def answer(server, service, name):
    """The error of a minimal call, as code and message; nothing if it worked."""
    model = MODELS[service].operation_model(name)
    client = server.client(service)
    method = next(method for method, operation in client.meta.method_to_api_mapping.items() if operation == name)
    try:
        getattr(client, method)(**(minimal(model.input_shape) if model.input_shape else {}))
    except ClientError as error:
        return error.response["Error"]["Code"], error.response["Error"]["Message"]
    return None


def test_the_model_has_the_61_operations_and_the_list_names_only_such():
    assert len(EVERY) == 61
    assert OPERATIONS <= {name for _, name in EVERY}
    assert len(OPERATIONS) + len(ARGUMENTS) == len(re.findall(r"^    \(?Operation::", MISSING, re.M))


@pytest.mark.parametrize("service, name", EVERY)
def test_an_operation_is_built_or_names_itself_as_missing(server, service, name):
    told = answer(server, service, name)
    if name in OPERATIONS:
        assert told == ("UnsupportedOperationException", f"{name} is not supported by this version of Trailkeep.")
    else:
        assert told is None or told[0] in modelled(service, name), told


def modelled(service, name):
    """What the operation may answer; CloudTrailARNInvalid… belongs to every operation that takes an ARN."""
    return {shape.name for shape in MODELS[service].operation_model(name).error_shapes} - {"UnsupportedOperationException"}


SETTINGS = {"Name": "no-such-trail", "S3BucketName": "no-such-bucket"}


def arguments(name):
    return sorted(set(MODELS["cloudtrail"].operation_model(name).input_shape.members) - set(SETTINGS))


@pytest.mark.parametrize("name, argument", [(name, argument) for name in ["CreateTrail", "UpdateTrail"] for argument in arguments(name)])
def test_an_argument_is_built_or_named_as_missing(server, name, argument):
    shape = MODELS["cloudtrail"].operation_model(name).input_shape.members[argument]
    method = {"CreateTrail": "create_trail", "UpdateTrail": "update_trail"}[name]
    if (name, argument) in ARGUMENTS:
        with refused("UnsupportedOperationException", f"{argument} of {name} is not supported by this version of Trailkeep."):
            getattr(server.client("cloudtrail"), method)(**SETTINGS, **{argument: minimal(shape)})
    else:
        with refused("S3BucketDoesNotExistException" if name == "CreateTrail" else "TrailNotFoundException"):
            getattr(server.client("cloudtrail"), method)(**SETTINGS, **{argument: minimal(shape)})


def test_the_readme_points_to_the_list():
    assert "crates/server/src/control/missing.rs" in (ROOT / "README.md").read_text()
