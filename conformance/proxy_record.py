"""What the record of a call must say: the rules that hold for every service, told from the parameters that were given and
the answer that came, by botocore's models, and independently of the program."""

import base64
import datetime
import json
import re

import jmespath
from botocore import xform_name

from proxy_setup import ACCOUNT, ARN, HIDDEN, KEY, USER

# eventSource where it is not the service's name in boto3.
SOURCES = {
    "cloudwatch": "monitoring", "stepfunctions": "states", "elbv2": "elasticloadbalancing", "efs": "elasticfilesystem", "resourcegroupstaggingapi": "tagging",
}
# Services of which there is one for all Regions.
GLOBAL = {"iam", "route53", "cloudfront", "organizations"}
READING = re.compile(r"(Get|List|Describe|Head|Lookup|Search|Query|Scan|BatchGet)(?![a-z])")
UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")
EC2_OR_S3 = {"ec2", "s3"}
DASHES = str.maketrans("", "", "-_")
# What is expected of a value that is not known: anything, or its absence.
ANYTHING = object()


def source(service):
    return f"{SOURCES.get(service, service)}.amazonaws.com"


def lower_first(name):
    return name[:1].lower() + name[1:]


def spelled(value, shape, sensitive=False):
    """A value as CloudTrail spells it: members with a small first letter, secrets hidden, bytes and instants not compared."""
    sensitive = sensitive or bool(shape.metadata.get("sensitive"))
    if shape.type_name == "structure":
        members = shape.members
        return {lower_first(name): spelled(inner, members[name], sensitive) for name, inner in value.items() if name in members}
    if shape.type_name == "list":
        return [spelled(inner, shape.member, sensitive) for inner in value]
    if shape.type_name == "map":
        return {key: spelled(inner, shape.value, sensitive) for key, inner in value.items()}
    if sensitive:
        return HIDDEN
    # boto3 has read documents of policies where it knows that they are some.
    return ANYTHING if shape.type_name in ("blob", "timestamp") or isinstance(value, dict) else value


def idempotent(shape):
    """Members that boto3 fills in by itself."""
    return {lower_first(name) for name, member in shape.members.items() if member.metadata.get("idempotencyToken")} if shape else set()


def bare(value):
    """Without what is empty: an empty list and none are the same thing on the wire."""
    if isinstance(value, dict):
        kept = {name: bare(inner) for name, inner in value.items()}
        return {name: inner for name, inner in kept.items() if inner is ANYTHING or inner not in ({}, [], None, "")}
    if isinstance(value, list):
        return [bare(inner) for inner in value]
    return value


def differences(expected, found, path=""):
    """Where a value is not as expected; `ANYTHING` is met by anything, and by nothing."""
    if expected is ANYTHING:
        return
    if isinstance(expected, dict) and isinstance(found, dict):
        for name in expected.keys() | found.keys():
            if name not in expected:
                yield f"{path}.{name} is there: {found[name]!r}"
            elif name in found or not all_hidden(expected[name]):
                yield from differences(expected[name], found.get(name), f"{path}.{name}")
    elif isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        for n, (one, other) in enumerate(zip(expected, found)):
            yield from differences(one, other, f"{path}[{n}]")
    elif isinstance(expected, datetime.datetime):
        return
    elif all_hidden(expected) and found in (None, HIDDEN):
        # A secret may be left out, too (docs/reference/recording.md, "Secrets").
        return
    elif type(expected) is not type(found) or expected != found:
        if not (isinstance(expected, (int, float)) and isinstance(found, (int, float)) and expected == found):
            yield f"{path} is {found!r}, not {expected!r}"


def all_hidden(value):
    """Whether nothing but secrets is in it, so that it may be hidden whole."""
    if isinstance(value, dict):
        return bool(value) and all(map(all_hidden, value.values()))
    if isinstance(value, list):
        return bool(value) and all(map(all_hidden, value))
    return value == HIDDEN or value is ANYTHING


def lacks(wanted, found, path=""):
    """What of `wanted` is not in `found`; `found` may have more members."""
    if isinstance(wanted, dict) and isinstance(found, dict):
        for name, inner in wanted.items():
            yield from lacks(inner, found.get(name), f"{path}.{name}")
    elif isinstance(wanted, list) and isinstance(found, list) and len(wanted) == len(found):
        for n, (one, other) in enumerate(zip(wanted, found)):
            yield from lacks(one, other, f"{path}[{n}]")
    elif wanted != found:
        yield f"{path} is {found!r}, not {wanted!r}"


class Made:
    """A call that was made: what was given, what came back, what went over the wire."""

    def __init__(self, call, boto, seen, exchanges):
        self.call = call
        self.given = call.given(seen)
        self.model = boto.meta.service_model.operation_model(call.operation)
        self.answer, self.failure = None, None
        before = len(exchanges)
        try:
            self.answer = getattr(boto, xform_name(call.operation))(**self.given)
        except boto.exceptions.ClientError as error:
            self.failure = error.response["Error"]
        assert len(exchanges) == before + 1, (call.service, call.operation)
        self.exchange = exchanges[-1]
        code = self.failure["Code"] if self.failure else None
        assert code == call.error or call.error is ..., (call.service, call.operation, self.failure)
        for name, path in call.keep.items():
            seen[name] = jmespath.search(path, self.answer)
            assert seen[name], (call.service, call.operation, name, self.failure)
        self.request_has = call.request_has(dict(seen)) if callable(call.request_has) else call.request_has
        if self.answer:
            self.answer.pop("ResponseMetadata")

    @property
    def refused(self):
        return self.exchange.status >= 300

    @property
    def reads(self):
        if self.call.reads is not None:
            return self.call.reads
        return bool(READING.match(self.call.operation))

    def secrets(self):
        """Texts that must not stand in the record."""
        values = [jmespath.search(path, self.answer) for path in self.call.secret] if self.answer else []
        values = [base64.b64encode(value).decode() if isinstance(value, bytes) else value for value in values]
        return [value for value in values if value]


def faults(made, text, record, region):
    """Everything that is wrong with a record, told one by one."""
    call, exchange = made.call, made.exchange
    agent = recorded_agent(made)
    expected = {
        "eventVersion": "1.11", "eventSource": source(call.service), "eventName": call.name or call.operation,
        "awsRegion": "us-east-1" if call.service in GLOBAL else region, "sourceIPAddress": "127.0.0.1", "userAgent": agent,
        "requestID": exchange.request_id or record.get("requestID"), "eventType": "AwsApiCall", "managementEvent": not call.data,
        "recipientAccountId": ACCOUNT,
        "eventCategory": "Data" if call.data else "Management", "apiVersion": made.model.service_model.api_version,
    }
    if not (call.data and call.service == "sqs"):
        expected["readOnly"] = made.reads
    for name, value in expected.items():
        # CloudTrail writes no apiVersion for many services; where one is written it is the model's, in a form of its own.
        if name == "apiVersion" and record.get(name, value).translate(DASHES) == value.translate(DASHES):
            continue
        if record.get(name) != value:
            yield f"{name} is {record.get(name)!r}, not {value!r}"
    # A call that the upstream gave no id has one of the proxy's own.
    if not exchange.request_id and not UUID.fullmatch(record.get("requestID") or ""):
        yield f"requestID is {record.get('requestID')!r}, no UUID"
    yield from identity_faults(record)
    yield from time_faults(made, record)
    yield from error_faults(made, record)
    for name in ("requestParameters", "responseElements", "eventID"):
        if name not in record:
            yield f"no {name}"
    yield from request_faults(made, record.get("requestParameters"))
    yield from response_faults(made, record.get("responseElements"))
    told = {resource.get("type") for resource in record.get("resources") or []}
    for kind in call.resources if not made.refused else ():
        if kind not in told:
            yield f"no resource of type {kind}: {record.get('resources')}"
    for resource in record.get("resources") or []:
        if not str(resource.get("ARN", resource.get("ARNPrefix", "arn:"))).startswith("arn:aws"):
            yield f"a resource without an ARN: {resource}"
    for secret in made.secrets():
        if secret in text or json.dumps(secret)[1:-1] in text:
            yield f"a secret of the answer is told: {secret[:8]}…"


def recorded_agent(made):
    """The userAgent of a call's record: S3 puts it into brackets."""
    agent = made.exchange.sent["User-Agent"]
    return f"[{agent}]" if made.call.service == "s3" else agent


def identity_faults(record):
    expected = {"type": "IAMUser", "arn": ARN, "accountId": ACCOUNT, "accessKeyId": KEY, "userName": USER}
    identity = dict(record["userIdentity"])
    identity.pop("principalId", None)
    if identity != expected:
        yield f"userIdentity is {record['userIdentity']}"


def time_faults(made, record):
    at = datetime.datetime.strptime(record["eventTime"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=datetime.UTC).timestamp()
    if not -1.001 <= at - made.exchange.begun <= 15:
        yield f"eventTime is {record['eventTime']}, {at - made.exchange.begun:+.1f} s after the call"


def error_faults(made, record):
    if not made.refused:
        if "errorCode" in record or "errorMessage" in record:
            yield f"an error of a call that had none: {record.get('errorCode')} {record.get('errorMessage')}"
        return
    # EC2's records name whose fault it was, and codes of the query protocol's JSON successors are told without their old name.
    codes = {made.failure["Code"], f"Client.{made.failure['Code']}", made.failure["Code"].removeprefix("AWS.SimpleQueueService.")}
    header = made.exchange.headers.get("x-amzn-query-error") or made.exchange.headers.get("x-amzn-errortype") or ""
    codes |= {part for part in re.split("[;:]", header) if part}
    found = re.search(rb'"__type"\s*:\s*"(?:[^"]*#)?([^"]+)"', made.exchange.body)
    codes |= {found[1].decode()} if found else set()
    if made.exchange.body[:1] not in (b"<", b"{") or b"<html" in made.exchange.body:
        # The upstream gave no code that could be told.
        if not record.get("errorCode"):
            yield "no errorCode"
        return
    if record.get("errorCode") not in codes:
        yield f"errorCode is {record.get('errorCode')!r}, not one of {codes}"
    if made.failure.get("Message") and record.get("errorMessage") != made.failure["Message"]:
        yield f"errorMessage is {record.get('errorMessage')!r}, not {made.failure['Message']!r}"


def request_faults(made, found):
    call, shape = made.call, made.model.input_shape
    for path in call.hidden:
        if jmespath.search(path, found or {}) not in (None, HIDDEN):
            yield f"requestParameters.{path} is not hidden: {jmespath.search(path, found or {})!r}"
    if made.request_has is not None:
        yield from lacks(made.request_has, found if found is not None else {}, "requestParameters")
        return
    expected = call.request if call.request is not None else spelled(made.given, shape) if shape else {}
    if isinstance(found, dict):
        found = {name: value for name, value in found.items() if name not in idempotent(shape) or name in expected}
    expected = {**expected, **{name: HIDDEN for name in call.hidden}}
    yield from differences(bare(expected), bare(found or {}), "requestParameters")


def response_faults(made, found):
    call, shape = made.call, made.model.output_shape
    if made.refused or made.reads:
        # AssumeRole is a read whose answer is told.
        if found is not None and call.operation != "AssumeRole":
            yield f"responseElements of a read or a failure: {json.dumps(found)[:200]}"
        if made.refused or call.operation != "AssumeRole":
            return
    if call.response_has is not None:
        yield from lacks(call.response_has, found, "responseElements")
        return
    if call.response is False or call.service in EC2_OR_S3:
        return
    expected = bare(spelled(made.answer, shape)) if shape and made.answer else {}
    if not expected and bare(found or {}):
        yield f"responseElements of an empty answer: {json.dumps(found)[:200]}"
    yield from differences(expected, bare(found or {}), "responseElements")
