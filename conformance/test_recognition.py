"""Every operation of every service in botocore, with the least that is valid, written and signed by botocore's own code:
the share of requests whose service and operation are recognised."""

import base64
import collections
import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import botocore.session
import pytest
from botocore.config import Config
from botocore.tokens import FrozenAuthToken

from conftest import PROGRAM

SHARE_MIN = 0.99
REGION = "us-east-1"
MISSES_SHOWN = 40
DEPTH_MAX = 12
# Text that fits many patterns; the first that fits is taken.
TEXTS = (
    "example",
    "example1",
    "123456789012",
    "arn:aws:iam::123456789012:role/example",
    "arn:aws:s3:::example",
    "arn:aws:kinesis:us-east-1:123456789012:stream/example",
    "1",
    "1.0",
    "a@example.com",
    "https://example.com",
    "s3://example/key",
    "us-east-1",
    "2026-01-01T00:00:00Z",
    "00000000-0000-4000-8000-000000000000",
    "/example",
    "Example_1",
    "EXAMPLE",
    "+15555550100",
    "i-0123456789abcdef0",
    "a" * 32,
    "0123456789abcdef" * 4,
    "{}",
)


class Captured(Exception):
    """Thrown in place of sending, with what would have been sent."""

    def __init__(self, request):
        super().__init__()
        self.request = request


class Ungenerated(Exception):
    """No parameters could be made."""


def text(shape, name):
    if shape.enum:
        return shape.enum[0]
    least, most = shape.metadata.get("min", 0), shape.metadata.get("max", 1 << 20)
    pattern = shape.metadata.get("pattern")
    # botocore's own checks of names come before sending.
    if name == "Bucket":
        return "example-bucket"
    if name in ("AccountId", "AwsAccountId"):
        return "123456789012"
    if name == "KvsARN":
        return "arn:aws:cloudfront::123456789012:key-value-store/example"
    if name.endswith("ARN") and not pattern:
        return "arn:aws:kinesis:us-east-1:123456789012:stream/example"
    if name == "PredictEndpoint":
        return "https://realtime.machinelearning.us-east-1.amazonaws.com"
    fitting = [t for t in TEXTS if least <= len(t) <= most] or ["e" * max(least, 1)]
    if pattern:
        try:
            return next((t for t in fitting if re.search(pattern, t)), fitting[0])
        except re.error:
            pass
    return fitting[0]


def value(shape, name="", depth=0):
    """The least value that botocore takes for valid."""
    if depth > DEPTH_MAX:
        raise Ungenerated(f"{shape.name} is within itself")
    kind = shape.type_name
    if kind == "structure":
        if shape.is_document_type:
            return {}
        if shape.is_tagged_union:
            # The first variant that can be made.
            for member, of in shape.members.items():
                try:
                    return {member: value(of, member, depth + 1)}
                except Ungenerated:
                    continue
            raise Ungenerated(f"{shape.name} has no variant that ends")
        return {m: value(of, m, depth + 1) for m, of in shape.members.items() if m in shape.required_members}
    if kind == "list":
        return [value(shape.member, name, depth + 1) for _ in range(max(1, min(shape.metadata.get("min", 1), 3)))]
    if kind == "map":
        key = value(shape.key, "", depth + 1)
        return {key: value(shape.value, name, depth + 1)}
    if kind in ("integer", "long"):
        return int(max(shape.metadata.get("min", 1), min(1, shape.metadata.get("max", 1))))
    if kind in ("float", "double"):
        return float(shape.metadata.get("min", 1))
    if kind == "boolean":
        return True
    if kind == "timestamp":
        return 1767225600
    if kind == "blob":
        return b"example"
    return text(shape, name)


def capture(request, **_):
    raise Captured(request)


def clients(session, service):
    """A client for each way of addressing; S3 has two."""
    styles = ("path", "virtual") if service == "s3" else (None,)
    # Some ask for their endpoint before each call, unless it is said.
    model = session.get_service_model(service)
    endpoint = f"https://{model.endpoint_prefix}.{REGION}.amazonaws.com" if model.endpoint_discovery_required else None
    for style in styles:
        config = Config(
            retries={"total_max_attempts": 1},
            parameter_validation=True,
            s3={"addressing_style": style} if style else None,
        )
        client = session.create_client(
            service,
            region_name=REGION,
            endpoint_url=endpoint,
            aws_access_key_id="AKIDEXAMPLE",
            aws_secret_access_key="secret",
            config=config,
        )
        client.meta.events.register_first("before-send.*.*", capture)
        yield style, client


def sent(client, operation):
    """The request that botocore would send."""
    model = client.meta.service_model.operation_model(operation)
    parameters = value(model.input_shape) if model.input_shape else {}
    try:
        client._make_api_call(operation, parameters)
    except Captured as captured:
        return captured.request
    raise Ungenerated("nothing was sent")


def line(request):
    body = request.body or b""
    if hasattr(body, "read"):
        body = body.read()
    if isinstance(body, str):
        body = body.encode()
    headers = [[k, v.decode("latin-1") if isinstance(v, bytes) else str(v)] for k, v in request.headers.items()]
    return {"method": request.method, "url": request.url, "headers": headers, "body": base64.b64encode(body).decode()}


def example():
    """Built beside the program by `cargo test --workspace --no-run`."""
    folders = [Path(PROGRAM).resolve().parent] if PROGRAM else []
    found = [folder / "examples" / "recognise" for folder in folders]
    found = [path for path in found if path.is_file()]
    named = os.environ.get("TRAILKEEP_RECOGNISE") or (found and str(found[0])) or shutil.which("recognise")
    if not named:
        pytest.skip("the example `recognise` is not built")
    return named


def at_proxy(line, style):
    """The same as it comes to a proxy: the host's name is the proxy's."""
    url = urlsplit(line["url"])
    bucket = "example-bucket." if style == "virtual" and url.netloc.startswith("example-bucket.") else ""
    moved = f"http://{bucket}localhost:9000{line['url'][len(f'{url.scheme}://{url.netloc}'):]}"
    headers = [header for header in line["headers"] if header[0].lower() != "host"]
    return {**line, "url": moved, "headers": headers}


@pytest.fixture(scope="module")
def generated():
    """What was asked, with the request; and the operations that no request could be made of."""
    session = botocore.session.Session()
    # Some services take a bearer's token in place of a signature.
    session.get_auth_token = lambda **_: FrozenAuthToken("example")
    asked, not_tried = [], []
    for service in session.get_available_services():
        for style, client in clients(session, service):
            model = client.meta.service_model
            for operation in model.operation_names:
                try:
                    request = sent(client, operation)
                except Exception as error:  # botocore refuses in many ways.
                    not_tried.append(f"{service} {operation}: {type(error).__name__}: {str(error)[:200]}")
                else:
                    asked.append((service, operation, style, model, line(request)))
    for operation in not_tried:
        print("not tried:", operation)
    assert len(not_tried) <= len(asked) * (1 - SHARE_MIN)
    return asked


@pytest.mark.parametrize("where", ["at AWS's endpoint", "at the proxy"])
def test_every_operation_of_every_service_is_recognised(generated, where):
    lines = [line if where == "at AWS's endpoint" else at_proxy(line, style) for *_, style, _, line in generated]
    text = "".join(json.dumps(line) + "\n" for line in lines)
    done = subprocess.run([example()], input=text, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    answers = [json.loads(text) for text in done.stdout.splitlines()]
    assert len(answers) == len(generated)

    totals, right, with_parameters, misses = collections.Counter(), collections.Counter(), collections.Counter(), []
    for (service, operation, style, model, _), answer in zip(generated, answers):
        group = f"{model.protocol}{f' ({style})' if style else ''}"
        totals[group] += 1
        # Some services share their requests to the letter (docdb, neptune and rds): the record is then the same.
        same_record = answer["event_name"] == operation and answer["event_source"] == event_source(model)
        if answer["operation"] == operation and (answer["service"] == service or same_record):
            right[group] += 1
            with_parameters[group] += answer["parameters"]
        else:
            misses.append(f"{service} {operation}: {answer}")
    print(f"\n{where}:")
    for group in sorted(totals):
        share = right[group] / totals[group]
        print(f"{group}: {right[group]} of {totals[group]} ({share:.2%}), {with_parameters[group]} with parameters")
    share = sum(right.values()) / sum(totals.values())
    print(f"all: {sum(right.values())} of {sum(totals.values())} ({share:.2%})")
    for miss in misses[:MISSES_SHOWN]:
        print("missed:", miss)
    assert share >= SHARE_MIN


def event_source(model):
    return f"{model.signing_name}.amazonaws.com"
